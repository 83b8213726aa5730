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

func TestFilesOfIwdBecomeNetworks(t *testing.T) {
	const key = "29a3d8c7d5e5a1d0f2f2a3f0c1b2a39485766758493a2b1c0d0e0f1011121314"
	for _, c := range []struct {
		name, file, text string
		ssid             string
		security         Security
		secret           string
	}{
		{"plain name with derived key", "Home Net.psk", "[Security]\nPreSharedKey=" + key + "\nPassphrase=x\n", "Home Net", WPA2, key},
		{"hexadecimal name", "=5a6fc3ab27732057694669.psk", "[Security]\nPreSharedKey=" + key + "\n", "Zoë's WiFi", WPA2, key},
		{"passphrase alone is derived", "a.psk", "[Security]\nPassphrase=password\n", "a", WPA2, ""},
		{"no derived key but SAE notes", "sae.psk", "[Security]\nPassphrase=se cret\nSAE-PT-Group19=00\n", "sae", WPA3, "se cret"},
		{"open network, empty file", "cafe.open", "", "cafe", Open, ""},
		{"escapes", "e.psk", "[Security]\nPassphrase=\\sa\\\\b#;'\\t\nSAE-PT-Group19=0\n", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := Parse(c.file, []byte(c.text))
			if c.ssid == "" {
				if err == nil || strings.Contains(err.Error(), "a\\b") {
					t.Fatalf("error %v, want one that does not show the password", err)
				}
				return
			}
			if err != nil || n.SSID != c.ssid || n.Security != c.security || c.secret != "" && n.Secret.Reveal() != c.secret {
				t.Errorf("got %q %q %v", n.SSID, n.Security, err)
			}
		})
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
	for name, text := range map[string]string{"good.open": "", "bad.psk": "[Security]\n", "work.8021x": "", ".known_network.freq": "x", "=zz.psk": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, problems, err := Read(dir)
	if err != nil || len(found) != 1 || found[0].SSID != "good" || len(problems) != 3 {
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
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		n, err := Parse(name, data)
		if err == nil && (CheckSSID(n.SSID) != nil || n.Security == WPA2 && len(n.Secret.Reveal()) != 64) {
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
