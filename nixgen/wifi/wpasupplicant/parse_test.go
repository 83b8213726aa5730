package wpasupplicant

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/wifi"
)

const key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e" // IEEE, password

// cases are lines of one network; want is its name, protection and secret as
// words, "" for none to join, or a word of the problem behind "!".
var cases = []struct{ name, lines, want string }{
	{"password", `ssid="IEEE"|psk="password"`, "IEEE wpa2 " + key},
	{"key", `ssid="IEEE"|psk=` + key, "IEEE wpa2 " + key},
	{"key in capitals", `ssid="IEEE"|psk=` + strings.ToUpper(key), "IEEE wpa2 " + key},
	{"wpa_passphrase", `ssid="IEEE"|#psk="another one"|psk=` + key, "IEEE wpa2 " + key},
	{"name in hexadecimal", `ssid=49454545|psk="password"`, "IEEE wpa2 " + key},
	{"name with escapes", `ssid=P"\x49\105EE"|psk="password"`, "IEEE wpa2 " + key},
	{"escapes of every kind", `ssid=P"a\"\\\q\xZ\8\"|key_mgmt=NONE`, `a"\qZ8 open `},
	{"quote inside", `ssid="a"b"|key_mgmt=NONE`, `a"b open `},
	{"no escape", `ssid="a\x41"|key_mgmt=NONE`, `a\x41 open `},
	{"hash inside", `ssid="a # b"|key_mgmt=NONE`, "a # b open "},
	{"comment behind", `ssid="IEEE" # mine|psk="password" # secret`, "IEEE wpa2 " + key},
	{"comment without a blank", `ssid=49454545#x|psk="password"#x`, "IEEE wpa2 " + key},
	{"line ends of Windows", "ssid=\"IEEE\"\r|psk=\"password\"\r", "IEEE wpa2 " + key},
	{"the last counts", `ssid="x"|ssid="IEEE"|psk="password2"|psk="password"`, "IEEE wpa2 " + key},
	{"hidden", `ssid="IEEE"|scan_ssid=1|psk="password"`, "IEEE hidden wpa2 " + key},
	{"open", `ssid="cafe"|key_mgmt=NONE`, "cafe open "},
	{"mixed", `ssid="IEEE"|key_mgmt=WPA-PSK SAE|psk="password"`, "IEEE wpa2 " + key},
	{"SAE", `ssid="IEEE"|key_mgmt=SAE|psk="password"`, "IEEE wpa2 " + key},
	{"SAE password", `ssid="IEEE"|key_mgmt=SAE|sae_password="password"|ieee80211w=2`, "IEEE wpa2 " + key},
	{"short SAE password", `ssid="s"|key_mgmt=SAE|sae_password="short"`, "s wpa3 short"},
	{"with other settings", `ssid="IEEE"|psk="password"|priority=5|proto=RSN|pairwise=CCMP|group=CCMP|id_str="home"|bssid=00:11:22:33:44:55`, "IEEE wpa2 " + key},
	{"switched off", `ssid="IEEE"|psk="password"|disabled=1`, ""},
	{"hotspot", `ssid="IEEE"|mode=2|key_mgmt=WPA-PSK|psk="password"|frequency=2437`, ""},
	{"without access point", `ssid="IEEE"|mode=1|key_mgmt=NONE`, ""},
	{"company", `ssid="work"|key_mgmt=WPA-EAP|eap=PEAP|identity="a"|password="password"`, "!802.1X"},
	{"company without key_mgmt", `ssid="work"|eap=PEAP|identity="a"|password="password"`, "!802.1X"},
	{"WEP", `ssid="old"|key_mgmt=NONE|wep_key0="abcde"`, "!WEP"},
	{"OWE", `ssid="cafe"|key_mgmt=OWE|ieee80211w=2`, "!protection"},
	{"no password", `ssid="IEEE"|key_mgmt=WPA-PSK`, "IEEE lacks"},
	{"ssid of 32", `ssid="` + strings.Repeat("x", 32) + `"|key_mgmt=NONE`, strings.Repeat("x", 32) + " open "},
	{"not text", `ssid=ff|key_mgmt=NONE`, "!UTF-8"},
	{"unknown to any wpa_supplicant", `ssid="IEEE"|psk="password"|nonsense=1`, "IEEE wpa2 " + key},
	{"kept elsewhere", `ssid="IEEE"|psk=ext:home`, "IEEE lacks"},
	{"short password", `ssid="IEEE"|psk="short"`, "!8 to 63"},
	{"long password", `ssid="IEEE"|psk="` + strings.Repeat("x", 64) + `"`, "!64"},
	{"key too short", `ssid="IEEE"|psk=` + key[2:], "IEEE lacks"},
	{"blank before =", `ssid ="IEEE"|psk="password"`, "!ssid"},
	{"blank behind =", `ssid= "IEEE"|psk="password"`, "!ssid"},
	{"quote missing", `ssid="IEEE|psk="password"`, "!ssid"},
	{"psk quote missing", `ssid="IEEE"|psk="password`, "IEEE lacks"},
	{"something behind the quote", `ssid="IEEE"x|psk="password"`, "!ssid"},
	{"odd hexadecimal", `ssid=494|psk="password"`, "!ssid"},
	{"name too long", `ssid="` + strings.Repeat("x", 33) + `"|key_mgmt=NONE`, "!32"},
	{"no name", `psk="password"`, "!ssid"},
	{"empty name", `ssid=""|key_mgmt=NONE`, "!32"},
	{"rubbish", `ssid="IEEE"|rubbish|psk="password"`, "!KEY=VALUE"},
	{"accents", `ssid="IEEE"|psk="p\xc3\xa4ssword"`, "IEEE wpa2 "},
}

func file(lines string) []byte {
	return []byte("ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev\nupdate_config=1\ncountry=DE\n\nnetwork={\n\t" + strings.ReplaceAll(lines, "|", "\n\t") + "\n}\n")
}

func words(n wifi.Network) string {
	s := n.SSID
	if n.Hidden {
		s += " hidden"
	}
	if n.Lacks != "" {
		return s + " lacks"
	}
	return s + " " + string(n.Security) + " " + n.Secret.Reveal()
}

func TestNetworksOfWpaSupplicant(t *testing.T) {
	for _, c := range cases {
		found, problems := Parse(file(c.lines))
		got := ""
		switch {
		case len(problems) > 0:
			got = "!" + fmt.Sprint(problems)
		case len(found) > 0:
			got = words(found[0])
		}
		if word, bad := strings.CutPrefix(c.want, "!"); bad && strings.HasPrefix(got, "!") && strings.Contains(got, word) && !strings.Contains(got, `"`) {
			continue
		}
		if got != c.want && !(c.name == "accents" && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOneBadNetworkDoesNotHideTheOthers(t *testing.T) {
	text := "network={\nssid=\"a\"\npsk=short\n}\nblob-base64-x={\nnetwork={\n}\ncred={\npassword=\"network={\"\n}\n" +
		"network={\nssid=x\n}\n#network={\n#ssid=\"old\"\n#}\nnetwork={\nssid=\"b\"\nkey_mgmt=NONE\n}\nnetwork={\nssid=\"c\"\n"
	found, problems := Parse([]byte(text))
	if len(found) != 2 || words(found[0]) != "a lacks" || words(found[1]) != "b open " || len(problems) != 2 ||
		!strings.Contains(problems[0].Error(), "line 11") || !strings.Contains(problems[1].Error(), "no end") {
		t.Error(found, problems)
	}
}

var (
	dumped = regexp.MustCompile(`(?m)^ +((?:[0-9a-f]{2} )+) `)
	number = regexp.MustCompile(`(?m)^(scan_ssid|disabled|mode)=(\d+)`)
	wide   = regexp.MustCompile(`(?m)^PSK(?: \(from passphrase\))? - hexdump\(len=32\): ([0-9a-f ]+)$`)
)

// TestARealWpaSupplicantReadsTheSame has wpa_supplicant read each file, with
// no radio and with the secrets in its log.
func TestARealWpaSupplicantReadsTheSame(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and wpa_supplicant: set PIWIZ_REAL=1 and see .ci/run")
	}
	alike, refused := 0, 0
	for i, c := range cases {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".conf"))
		text := bytes.Replace(file(c.lines), []byte("ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev\n"), nil, 1)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
		cmd := exec.CommandContext(ctx, "unshare", "--net", "--fork", "--kill-child", "stdbuf", "-oL", "wpa_supplicant", "-i", "lo", "-D", "none", "-K", "-dd", "-c", path)
		log := untilRead(t, cmd)
		stop()
		_ = cmd.Wait() // it was ended
		n, problems := Parse(text)
		if !strings.Contains(log, "Priority group") && !strings.Contains(log, "Added interface") || strings.Contains(log, "Failed to read or parse configuration") {
			refused++
			// It may refuse more than this does, which reads what is left of a file.
			if len(n) > 0 && n[0].Lacks == "" && c.name != "unknown to any wpa_supplicant" {
				t.Errorf("%s: wpa_supplicant refuses it, and it was read as %q\n%s", c.name, words(n[0]), log)
			}
			continue
		}
		alike++
		head, _, _ := strings.Cut(log, "Priority group")
		ssid := lastDump(head, "ssid - hexdump_ascii")
		facts := map[string]string{}
		for _, m := range number.FindAllStringSubmatch(head, -1) {
			facts[m[1]] = m[2]
		}
		psk := ""
		if all := wide.FindAllStringSubmatch(head, -1); all != nil {
			psk = strings.ReplaceAll(all[len(all)-1][1], " ", "")
		}
		switch {
		case len(n) == 0 && len(problems) == 0:
			if facts["disabled"] != "1" && facts["mode"] == "" {
				t.Errorf("%s: not mentioned, and wpa_supplicant uses it", c.name)
			}
		case len(n) == 0: // said
		case n[0].SSID != ssid, n[0].Hidden != (facts["scan_ssid"] == "1"), n[0].Security == wifi.WPA2 && n[0].Lacks == "" && psk != "" && n[0].Secret.Reveal() != psk:
			t.Errorf("%s: %q, and wpa_supplicant reads %q %v %s", c.name, words(n[0]), ssid, facts, psk)
		}
	}
	t.Logf("%d files: %d read by wpa_supplicant, %d refused", len(cases), alike, refused)
	if alike < 20 || refused < 8 {
		t.Error("too few for this to mean anything")
	}
}

// untilRead gives the log up to where the file is read or refused, and ends
// the program.
func untilRead(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	b := make([]byte, 4096)
	for {
		n, err := out.Read(b)
		log.Write(b[:n])
		if s := log.String(); err != nil || strings.Contains(s, "Add interface") || strings.Contains(s, "Failed to read or parse") {
			_ = cmd.Process.Kill() // it may have ended
			return s
		}
	}
}

// lastDump is the text of the last hexdump with this title.
func lastDump(log, title string) string {
	at := strings.LastIndex(log, title)
	if at < 0 {
		return ""
	}
	var all []byte
	for i, line := range strings.Split(log[at:], "\n") {
		m := dumped.FindStringSubmatch(line)
		if i > 0 && m == nil {
			break
		}
		if m != nil {
			b, _ := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
			all = append(all, b...)
		}
	}
	return string(all)
}

func TestFilesThatCannotBeReadAreTheAdministrators(t *testing.T) {
	dir := t.TempDir()
	if _, err := readDir(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "a.conf"), file(cases[0].lines), 0o600), os.WriteFile(filepath.Join(dir, "functions.sh"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "d.conf"), 0o700), os.Symlink("/dev/zero", filepath.Join(dir, "z.conf"))); err != nil {
		t.Fatal(err)
	}
	found, err := readDir(dir)
	if err != nil || len(found.Networks) != 1 || len(found.Problems) != 0 || found.Networks[0].File != filepath.Join(dir, "a.conf") {
		t.Error(found, err)
	}
	if os.Getuid() != 0 {
		if err := os.Chmod(filepath.Join(dir, "a.conf"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := readDir(dir); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add(file(c.lines))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, problems := Parse(data)
		for _, n := range found {
			if wifi.CheckSSID(n.SSID) != nil || n.Security != wifi.Open && n.Secret.IsZero() && n.Lacks == "" {
				t.Errorf("%+v passed", n)
			}
		}
		for _, p := range problems {
			if p.Error() == "" {
				t.Error("a problem without words")
			}
		}
	})
}
