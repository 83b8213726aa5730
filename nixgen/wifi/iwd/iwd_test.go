package iwd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
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
		security         wifi.Security
		secret           string // or a word of the refusal
	}{
		{"plain name with derived key", "Home Net.psk", "[Security]\nPreSharedKey=" + key + "\nPassphrase=x\n", "Home Net", wifi.WPA2, key},
		{"key in capitals", "a.psk", "[Security]\nPreSharedKey=" + strings.ToUpper(key) + "\n", "a", wifi.WPA2, key},
		{"hexadecimal name", "=5a6fc3ab27732057694669.psk", "[Security]\nPreSharedKey=" + key + "\n", "Zoë's WiFi", wifi.WPA2, key},
		{"passphrase alone is derived", "IEEE.psk", "[Security]\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"mixed, joined by SAE", "IEEE.psk", "[Security]\nPassphrase=password\nSAE-PT-Group19=00\nSAE-PT-Group20=00\n", "IEEE", wifi.WPA2, ieee},
		{"says that it takes WPA3 alone", "s.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPassphrase=se #cret \nSAE-PT-Group19=00\n", "s", wifi.WPA3, "se #cret "},
		{"several modes", "s.psk", "[Settings]\nTransitionDisable=1\nDisabledTransitionModes=open personal\n[Security]\nPassphrase=password\n", "s", wifi.WPA3, "password"},
		{"modes in the manual's form", "s.psk", "[Settings]\nDisabledTransitionModes=open,personal\n[Security]\nPassphrase=password\n", "s", wifi.WPA3, "password"},
		{"modes switched off", "IEEE.psk", "[Settings]\nTransitionDisable=false\nDisabledTransitionModes=personal\n[Security]\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"another mode", "IEEE.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=enterprise\n[Security]\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"only WPA3, and only a key", "s.psk", "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPreSharedKey=" + key + "\n", "", "", "type it in"},
		{"bad key, good passphrase", "IEEE.psk", "[Security]\nPreSharedKey=12\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"key of 64 signs that is none", "IEEE.psk", "[Security]\nPreSharedKey=" + strings.Repeat("z", 64) + "\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"good key, bad passphrase", "a.psk", "[Security]\nPreSharedKey=" + key + "\nPassphrase=\\x\n", "a", wifi.WPA2, key},
		{"first of two passphrases", "IEEE.psk", "[Security]\nPassphrase=password\nPassphrase=password2\n", "IEEE", wifi.WPA2, ieee},
		{"second group of a name", "IEEE.psk", "[Security]\nPassphrase=password\n[Security]\nPreSharedKey=" + key + "\n", "IEEE", wifi.WPA2, ieee},
		{"behind an embedded file", "IEEE.psk", "[Security]\n[@pem@ca]\n-----BEGIN CERTIFICATE-----\nTQ==\n-----END CERTIFICATE-----\nPassphrase=password\n", "IEEE", wifi.WPA2, ieee},
		{"open network, empty file", "cafe.open", "", "cafe", wifi.Open, ""},
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

func TestTheAirDecidesWhatTheFilesLeaveOpen(t *testing.T) {
	const sae = "[Security]\nPassphrase=password\nSAE-PT-Group19=00\n"
	const key = "[Security]\nPreSharedKey=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n"
	const gone = "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n" + sae
	found, problems := Source{}.FromFiles(map[string][]byte{
		Dir + "/mixed.psk": []byte(sae), Dir + "/three.psk": []byte(sae), Dir + "/away.psk": []byte(sae), Dir + "/said.psk": []byte(gone),
		Dir + "/old.psk": []byte(key), Dir + "/new.psk": []byte(key), Dir + "/cafe.open": nil, "/elsewhere/other.open": nil,
	}, "")
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	found, problems = wifi.Weigh(found, map[string]wifi.Evidence{
		"mixed": wifi.AirPSK | wifi.AirSAE, "three": wifi.AirSAE, "said": wifi.AirPSK, "old": wifi.AirPSK, "new": wifi.AirSAE, "cafe": wifi.AirSAE, "other": wifi.AirSAE,
	})
	var got []string
	for _, n := range found {
		got = append(got, n.SSID+" "+string(n.Security))
		if n.Security == wifi.WPA3 && n.Secret.Reveal() != "password" || n.Security == wifi.WPA2 && len(n.Secret.Reveal()) != 64 {
			t.Errorf("%s has the wrong kind of secret", n.SSID)
		}
		if (n.Evidence.Doubt() != "") != (n.SSID == "away") {
			t.Errorf("%s: %q", n.SSID, n.Evidence.Doubt())
		}
	}
	if s := strings.Join(got, ", "); s != "away wpa2, cafe open, mixed wpa2, old wpa2, said wpa3, three wpa3" {
		t.Error(s)
	}
	if len(problems) != 1 || problems[0].File != Dir+"/new.psk" || !strings.Contains(problems[0].Error(), "type it in") {
		t.Error(problems)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Home.psk", []byte("[Security]\nPassphrase=correct horse\n"))
	f.Add("=5a.psk", []byte("[@pem@x]\n-----\n[Security]\nPreSharedKey=00"))
	f.Add("a.psk", []byte("[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n[Security]\nPassphrase=password\nSAE-PT-Group19=00\n"))
	f.Add("a.psk", []byte("[Security]\n[@pem@a]\n-----BEGIN A-----\n-----END A-----\nPreSharedKey=1\nPassphrase=a\\sb\\\\cdefgh\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		n, err := Parse(name, data)
		if err == nil && (n.Security != wifi.Open && n.Secret.IsZero() || wifi.CheckSSID(n.SSID) != nil || n.Security == wifi.WPA2 && len(n.Secret.Reveal()) != 64) {
			t.Errorf("%+v passed", n)
		}
	})
}
