package wifi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Real iwd 2.3 wrote the files with SAE-PT-Group19: the settings of a network
// that takes WPA2 and WPA3, of one that takes WPA3 alone and of one that said
// that it does.
func TestFilesOfIwdBecomeNetworks(t *testing.T) {
	const key = "29a3d8c7d5e5a1d0f2f2a3f0c1b2a39485766758493a2b1c0d0e0f1011121314"
	const ieee = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e" // IEEE, password
	for _, c := range []struct {
		name, file, text string
		ssid             string // "" when the file is refused
		security         Security
		secret           string // or a word of the refusal
	}{
		{"plain name with derived key", "Home Net.psk", "[Security]\nPreSharedKey=" + key + "\nPassphrase=x\n", "Home Net", WPA2, key},
		{"key in capitals", "a.psk", "[Security]\nPreSharedKey=" + strings.ToUpper(key) + "\n", "a", WPA2, key},
		{"hexadecimal name", "=5a6fc3ab27732057694669.psk", "[Security]\nPreSharedKey=" + key + "\n", "Zoë's WiFi", WPA2, key},
		{"passphrase alone is derived", "IEEE.psk", "[Security]\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"mixed, joined by SAE", "IEEE.psk", "[Security]\nPassphrase=password\nSAE-PT-Group19=00\nSAE-PT-Group20=00\n", "IEEE", WPA2, ieee},
		{"says that it takes WPA3 alone", "s.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPassphrase=se #cret \nSAE-PT-Group19=00\n", "s", WPA3, "se #cret "},
		{"several modes", "s.psk", "[Settings]\nTransitionDisable=1\nDisabledTransitionModes=open personal\n[Security]\nPassphrase=password\n", "s", WPA3, "password"},
		{"modes in the manual's form", "s.psk", "[Settings]\nDisabledTransitionModes=open,personal\n[Security]\nPassphrase=password\n", "s", WPA3, "password"},
		{"modes switched off", "IEEE.psk", "[Settings]\nTransitionDisable=false\nDisabledTransitionModes=personal\n[Security]\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"another mode", "IEEE.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=enterprise\n[Security]\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"WPA3 alone, and only a key", "s.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPreSharedKey=" + key + "\n", "", "", "type it in"},
		{"bad key, good passphrase", "IEEE.psk", "[Security]\nPreSharedKey=12\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"key of 64 signs that is none", "IEEE.psk", "[Security]\nPreSharedKey=" + strings.Repeat("z", 64) + "\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"good key, bad passphrase", "a.psk", "[Security]\nPreSharedKey=" + key + "\nPassphrase=\\x\n", "a", WPA2, key},
		{"first of two passphrases", "IEEE.psk", "[Security]\nPassphrase=password\nPassphrase=password2\n", "IEEE", WPA2, ieee},
		{"second group of a name", "IEEE.psk", "[Security]\nPassphrase=password\n[Security]\nPreSharedKey=" + key + "\n", "IEEE", WPA2, ieee},
		{"behind an embedded file", "IEEE.psk", "[Security]\n[@pem@ca]\n-----BEGIN CERTIFICATE-----\nTQ==\n-----END CERTIFICATE-----\nPassphrase=password\n", "IEEE", WPA2, ieee},
		{"open network, empty file", "cafe.open", "", "cafe", Open, ""},
		{"encrypted", "a.psk", "[Security]\nEncryptedSalt=00\nEncryptedSecurity=0011\n", "", "", "encrypted"},
		{"no password", "a.psk", "[Security]\n", "", "", "no usable password"},
		{"too short a password", "a.psk", "[Security]\nPassphrase=short\n", "", "", "no usable password"},
		{"an escape iwd does not know", "a.psk", "[Security]\nPassphrase=password\\q\n", "", "", "no usable password"},
		{"line ends of Windows", "a.psk", "[Security]\r\nPassphrase=password\r\n", "", "", "line 1"},
		{"a name iwd would have coded", "Zoë.psk", "[Security]\nPassphrase=password\n", "", "", "=5a6fc3ab"},
		{"a dot in the name", "a.b.psk", "[Security]\nPassphrase=password\n", "", "", "not a Wi-Fi network file"},
		{"odd hexadecimal", "=5a6.psk", "[Security]\nPassphrase=password\n", "", "", "hexadecimal"},
		{"company network", "work.8021x", "", "", "", "802.1X"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := Parse(c.file, []byte(c.text))
			if c.ssid == "" {
				if err == nil || !strings.Contains(err.Error(), c.secret) || strings.Contains(err.Error(), "assword\\q") {
					t.Fatalf("error %v, want one with %q that does not show the password", err, c.secret)
				}
				return
			}
			if err != nil || n.SSID != c.ssid || n.Security != c.security || n.Secret.Reveal() != c.secret {
				t.Errorf("got %q %q %q %v", n.SSID, n.Security, n.Secret.Reveal(), err)
			}
		})
	}
}

func TestAHiddenNetworkIsHidden(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "1": true, "True": true, "false": false, "0": false, "yes": false, "": false} {
		if n, err := Parse("a.open", []byte("[Settings]\nHidden="+text+"\n")); err != nil || n.Hidden != want {
			t.Errorf("Hidden=%s: %v, %v", text, n.Hidden, err)
		}
	}
}

// The vectors are those of IEEE 802.11i, annex H.4.
func TestTheKeyIsDerivedAsTheStandardSays(t *testing.T) {
	for _, c := range []struct{ pass, ssid, key string }{
		{"password", "IEEE", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"},
		{"ThisIsAPassword", "ThisIsASSID", "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"},
	} {
		if got, err := PSK(c.pass, c.ssid); err != nil || got.Reveal() != c.key {
			t.Errorf("PSK(%q) = %q, %v", c.ssid, got.Reveal(), err)
		}
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 65), "pässword1"} {
		if _, err := PSK(bad, "x"); err == nil {
			t.Errorf("PSK(%q) was taken", bad)
		}
	}
}

func TestASecretNeverPrints(t *testing.T) {
	s := NewSecret("hunter22hunter22")
	j, _ := s.MarshalJSON()
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d %s %v", s, s, s, s, s, s, s, j, Network{Secret: s})
	if strings.Contains(text, "hunter") || strings.Contains(text, "68756e746572") {
		t.Error(text)
	}
}

func TestOneBadFileDoesNotHideTheOthers(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good.open": "", "good.psk": "[Security]\nPassphrase=password\n", "bad.psk": "[Security]\n", "work.8021x": "", ".known_network.freq": "x", "=zz.psk": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link.open": "good.open", "nowhere.open": "gone", "device.open": "/dev/zero"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.open"), 0o700); err != nil {
		t.Fatal(err)
	}
	found, problems, err := Read(dir)
	var names []string
	for _, n := range found {
		names = append(names, n.SSID+" "+string(n.Security))
	}
	if err != nil || strings.Join(names, ", ") != "good open, good wpa2, link open" || len(problems) != 4 {
		t.Errorf("%v, %v, %v", found, problems, err)
	}
	if _, _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestTheConnectedNetworkComesFirst(t *testing.T) {
	ns := []Network{{SSID: "b"}, {SSID: "a"}, {SSID: "c"}}
	Sort(ns, "c")
	if ns[0].SSID != "c" || !ns[0].Connected || ns[1].SSID != "a" {
		t.Error(ns)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Home.psk", []byte("[Security]\nPassphrase=correct horse\n"))
	f.Add("=5a.psk", []byte("[@pem@x]\n-----\n[Security]\nPreSharedKey=00"))
	f.Add("a.psk", []byte("[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPassphrase=password\nSAE-PT-Group19=00\n"))
	f.Add("a.psk", []byte("[Security]\n[@pem@a]\n-----BEGIN A-----\n-----END A-----\nPreSharedKey=1\nPassphrase=a\\sb\\\\cdefgh\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		n, err := Parse(name, data)
		if err == nil && (n.Security != Open && n.Secret.IsZero() || CheckSSID(n.SSID) != nil || n.Security == WPA2 && len(n.Secret.Reveal()) != 64) {
			t.Errorf("%+v passed", n)
		}
	})
}

func TestWhatCannotBeSeenInATypedTextIsNamed(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                 {"", ""},
		"secret word":      {"", "secret word"},
		" secret":          {"begins with a space", "secret"},
		"secret  ":         {"ends in a space", "secret"},
		" secret ":         {"begins and ends with a space", "secret"},
		"   ":              {"begins and ends with a space", ""},
		"a\u00a0b":         {"has a character in it that cannot be seen", "a b"},
		"a\u00a0":          {"has a character in it that cannot be seen", "a"},
		"\ufeffa":          {"has a character in it that cannot be seen", "a"},
		"a\u202eb":         {"has a character in it that cannot be seen", "ab"},
		"\u2764\ufe0f":     {"", "\u2764\ufe0f"},
		"\U0001f468\u200d": {"", "\U0001f468\u200d"},
		"gr\u00fc\u00dfe":  {"", "gr\u00fc\u00dfe"},
	} {
		what, without := Odd(text)
		if what != want[0] || without != want[1] {
			t.Errorf("%q: %q %q, want %q", text, what, without, want)
		}
		if again, _ := Odd(without); again != "" {
			t.Errorf("%q: what is left, %q, %s", text, without, again)
		}
	}
}
