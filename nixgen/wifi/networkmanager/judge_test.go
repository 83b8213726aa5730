package networkmanager

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// judged is what NetworkManager and the parser must agree on.
type judged struct {
	SSID               []byte
	Mode, KeyMgmt, PSK string
	Hidden, Protected  bool
	Flags              uint32
	Permissions        []string
}

func (p profile) judged() judged {
	j := judged{p.ssid, p.mode, p.keyMgmt, p.psk, p.hidden, p.protected, p.flags, p.permissions}
	for i, who := range j.Permissions {
		j.Permissions[i] = strings.TrimSuffix(who, ":") + ":" // NetworkManager adds what is missing
	}
	if j.Mode == "infrastructure" {
		j.Mode = ""
	}
	return j
}

// raw says what NetworkManager made of each file, as root.
func raw() {
	out := map[string]judged{}
	bus, err := dbus.ConnectSystemBus()
	if err == nil {
		var paths []dbus.ObjectPath
		err = bus.Object(service, root+"/Settings").Call(service+".Settings.ListConnections", 0).Store(&paths)
		for _, path := range paths {
			o := bus.Object(service, path)
			file, e := o.GetProperty(service + ".Settings.Connection.Filename")
			var s, secrets settings
			if e != nil || o.Call(service+".Settings.Connection.GetSettings", 0).Store(&s) != nil {
				continue
			}
			p, ok := fromBus(s)
			if !ok {
				continue
			}
			_ = o.Call(service+".Settings.Connection.GetSecrets", 0, security).Store(&secrets) // there may be none
			p.psk, _ = secrets[security]["psk"].Value().(string)
			out[filepath.Base(file.Value().(string))] = p.judged()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
	os.Exit(0)
}

// odd are files written by hand, each with the reason to be read wrongly.
func odd() map[string]string {
	const con = "[connection]\nid=x\ntype=wifi\n"
	const sec = "[wifi-security]\nkey-mgmt=wpa-psk\n"
	all := map[string]string{
		"old-names":       "[connection]\nid=x\ntype=802-11-wireless\n[802-11-wireless]\nssid=a\n[802-11-wireless-security]\nkey-mgmt=wpa-psk\npsk=password\n",
		"crlf":            strings.ReplaceAll(con+"[wifi]\nssid=a\n"+sec+"psk=password\n", "\n", "\r\n"),
		"no-end":          con + "[wifi]\nssid=a\n" + sec + "psk=password",
		"other-type":      "[connection]\nid=x\ntype=ethernet\n[wifi]\nssid=a\n",
		"no-type":         "[connection]\nid=x\n[wifi]\nssid=a\n" + sec + "psk=password\n",
		"type-blank":      "[connection]\nid=x\ntype=wifi \n[wifi]\nssid=a\n",
		"no-ssid":         con + "[wifi]\nhidden=true\n",
		"no-wifi":         con,
		"ssid-long":       con + "[wifi]\nssid=" + strings.Repeat("x", 33) + "\n",
		"ssid-32":         con + "[wifi]\nssid=" + strings.Repeat("x", 32) + "\n",
		"twice-group":     con + "[wifi]\nssid=a\n" + sec + "[wifi]\nhidden=true\n[wifi-security]\npsk=password\n",
		"both-groups":     con + "[wifi]\nssid=a\n[802-11-wireless]\nssid=b\n",
		"both-groups-2":   con + "[802-11-wireless]\nssid=b\n[wifi]\nssid=a\n",
		"both-security":   con + "[wifi]\nssid=a\n[802-11-wireless-security]\nkey-mgmt=wpa-psk\npsk=password1\n[wifi-security]\nkey-mgmt=sae\npsk=password2\n",
		"twice-key":       con + "[wifi]\nssid=a\nssid=b\n" + sec + "psk=password\npsk=password2\n",
		"key-blanks":      con + "[wifi]\nssid = a\n" + sec + "psk   =   password  \n",
		"group-blanks":    con + "[wifi] \nssid=a\n",
		"group-inside":    con + "[ wifi ]\nssid=a\n",
		"before-group":    "id=x\n" + con + "[wifi]\nssid=a\n",
		"no-equals":       con + "[wifi]\nssid=a\nrubbish\n",
		"no-bracket":      con + "[wifi\nssid=a\n",
		"comment-inside":  con + "[wifi]\nssid=a # b\n" + sec + "psk=password # b\n",
		"comment-blank":   con + "  # c\n[wifi]\n  ssid=a\n",
		"semicolon-line":  con + ";c=1\n[wifi]\nssid=a\n",
		"empty-key":       con + "[wifi]\nssid=a\n=b\n",
		"locale-key":      con + "[wifi]\nssid=a\nssid[de]=b\n",
		"utf8":            con + "[wifi]\nssid=Zoë\n",
		"not-utf8":        con + "[wifi]\nssid=a\xff\n",
		"psk-not-utf8":    con + "[wifi]\nssid=a\n" + sec + "psk=passw\xffrd\n",
		"bom":             "\ufeff" + con + "[wifi]\nssid=a\n",
		"nul":             con + "[wifi]\nssid=a\x00b\n",
		"no-key-mgmt":     con + "[wifi]\nssid=a\n[wifi-security]\npsk=password\n",
		"empty-security":  con + "[wifi]\nssid=a\n[wifi-security]\n",
		"key-mgmt-odd":    con + "[wifi]\nssid=a\n[wifi-security]\nkey-mgmt=WPA-PSK\npsk=password\n",
		"sae":             con + "[wifi]\nssid=a\n[wifi-security]\nkey-mgmt=sae\npsk=x\n",
		"owe":             con + "[wifi]\nssid=a\n[wifi-security]\nkey-mgmt=owe\n",
		"mode-ap":         con + "[wifi]\nssid=a\nmode=ap\n" + sec + "psk=password\n",
		"mode-odd":        con + "[wifi]\nssid=a\nmode=bss\n",
		"mode-adhoc":      con + "[wifi]\nssid=a\nmode=adhoc\n",
		"permissions":     "[connection]\nid=x\ntype=wifi\npermissions=user:alice:;user:bob:;\n[wifi]\nssid=a\n",
		"permissions-odd": "[connection]\nid=x\ntype=wifi\npermissions=user:alice;bob;group:x:;\n[wifi]\nssid=a\n",
		"permissions-nul": "[connection]\nid=x\ntype=wifi\npermissions=\n[wifi]\nssid=a\n",
		"id-escape":       "[connection]\nid=x\\q\ntype=wifi\n[wifi]\nssid=a\n",
		"empty":           "",
		"group-open":      con + "[a[b]\n[wifi]\nssid=a\n",
		"group-empty":     con + "[]\n[wifi]\nssid=a\n",
		"group-behind":    con + "[wifi]x\nssid=a\n",
		"group-control":   con + "[a\x01]\n[wifi]\nssid=a\n",
		"group-utf8":      con + "[ü]\n[wifi]\nssid=a\n",
		"key-open":        con + "[wifi]\nssid=a\na[b=c\n",
		"key-close":       con + "[wifi]\nssid=a\na]=c\n",
		"key-locale-odd":  con + "[wifi]\nssid=a\na[d/e]=c\n",
		"key-inside":      con + "[wifi]\nssid=a\na b=c\n",
		"key-utf8":        con + "[wifi]\nssid=a\nü=c\n",
		"key-not-utf8":    con + "[wifi]\nssid=a\n\xff=c\n",
		"form-feed":       con + "[wifi]\n\f\vssid=a\n",
		"value-feed":      con + "[wifi]\nssid=\f\va\n",
		"cr-inside":       con + "[wifi]\nssid=a\rb\n",
		"mode-case":       con + "[wifi]\nssid=a\nmode=Infrastructure\n",
	}
	for i, v := range []string{"user:a", "user:a:x", "user:a:;user:", "user::", "user:a;;", "User:a:", " user:a:;", "user: a:;", "user:a:;user:a:;", `user:a\\;b:;`, `user:ü:;`, ";user:a:", "group:a:;"} {
		all[fmt.Sprintf("perm-%02d", i)] = "[connection]\nid=x\ntype=wifi\npermissions=" + v + "\n[wifi]\nssid=a\n"
	}
	for i, v := range []string{"true", "1", "True", "false", "0", "yes", "true ", " true", "", "2"} {
		all[fmt.Sprint("hidden-", i)] = con + "[wifi]\nssid=a\nhidden=" + v + "\n"
	}
	for i, v := range []string{"0", "1", "2", "3", "4", "0x1", "0x02", "01", "x", "-1", " 1", "1 ", "", "8", "4294967297"} {
		all[fmt.Sprint("flags-", i)] = con + "[wifi]\nssid=a\n" + sec + "psk-flags=" + v + "\npsk=password\n"
	}
	for i, v := range []string{
		`49;50;`, `49;50`, `300;1;`, `0049;`, ` 49 ; 50 ;`, `49;;`, `;`, `1\\;2\\;`, `a\;b`, `a;b`, `a;`, `\s49;`, `\sa\s`, `a\\b`, `a\qb`, `"a"`, `a\`,
		`0x4142`, `97;0;98;`, `255;`, `256;`, `+1;`, `-1;`, `1;x;`, `\t`, `a\nb`, `a=b`, `[a]`, `#a`, `49;50; `, `49;50;;`, `a\\;b`, ``, ` `, `097;`, `12 3;`,
	} {
		all[fmt.Sprintf("ssid-%02d", i)] = con + "[wifi]\nssid=" + v + "\n"
		all[fmt.Sprintf("psk-%02d", i)] = con + "[wifi]\nssid=a\n" + sec + "psk=" + v + "\n"
	}
	return all
}

// thrown are files thrown together by chance, the same ones in every run.
func thrown(n int) map[string]string {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	text := func() string {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pick("a", "B", "7", ";", "49;", `\\`, `\s`, `\;`, `\t`, " ", "#", "=", "ü", `"`, "255;", "'", "]", "[", `\n`, "0"))
		}
		return b.String()
	}
	all := map[string]string{}
	for i := range n {
		lines := []string{
			"[connection]", "id=x", "type=" + pick("wifi", "802-11-wireless", "wifi", "vpn"), "permissions=" + pick("", "user:a:;", text()),
			pick("[wifi]", "[802-11-wireless]"), "ssid=" + text(), "hidden=" + pick("true", "false", "1", "2"), pick("", "ssid="+text(), "# "+text()),
			pick("[wifi-security]", "[802-11-wireless-security]", "[wifi]"), "key-mgmt=" + pick("wpa-psk", "sae", "owe", text()), "psk=" + text(), "psk-flags=" + pick("0", "0", "1", "0x2"),
		}
		all[fmt.Sprintf("thrown-%03d", i)] = strings.Join(lines, "\n") + pick("\n", "")
	}
	return all
}

func TestKeyFilesAreReadAsNetworkManagerReadsThem(t *testing.T) {
	files := odd()
	maps.Copy(files, thrown(100))
	l := newLab(t, files)
	l.caller()
	var theirs map[string]judged
	if err := json.Unmarshal([]byte(l.as("root", "env", "PIWIZ_NM_ASK=raw", "/run/caller")), &theirs); err != nil {
		t.Fatal(err)
	}
	read, refused := 0, 0
	for name, text := range files {
		p, ok, err := parse([]byte(text))
		ok = ok && err == nil
		want, loaded := theirs[name+".nmconnection"]
		switch {
		case ok != loaded:
			t.Errorf("%s: NetworkManager reads it: %v; the parser: %v, %v\n%q\n%q", name, loaded, ok, err, text, want.SSID)
		case !ok:
			refused++
		default:
			read++
			if got := fmt.Sprintf("%+v", p.judged()); got != fmt.Sprintf("%+v", want) {
				t.Errorf("%s: %q\ngot  %s\nwant %+v", name, text, got, want)
			}
		}
	}
	t.Logf("%d files: %d read alike, %d refused by both", len(files), read, refused)
	if read < 40 {
		t.Error("too few files were read for this to mean anything")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range odd() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok, err := Parse(data, "alice")
		if ok && err == nil && n.Security != "open" && n.Secret.IsZero() && n.Lacks == "" {
			t.Errorf("%+v passed without a secret", n)
		}
		if err != nil && strings.Contains(err.Error(), "password") && !strings.Contains(err.Error(), "Wi-Fi password") && !strings.Contains(err.Error(), "WPA3") {
			t.Error(err)
		}
	})
}
