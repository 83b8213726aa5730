package wifi

import (
	"strings"
	"testing"
	"time"
)

const ieeeKey = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e" // IEEE, password

func TestWhatASourceKeepsBecomesTheSecret(t *testing.T) {
	for _, c := range []struct {
		name     string
		evidence Evidence
		text     string
		security Security // "" when it is refused
		secret   string
	}{
		{"password", SavedPSK, "password", WPA2, ieeeKey},
		{"key", SavedPSK, strings.ToUpper(ieeeKey), WPA2, ieeeKey},
		{"password of SAE, which may be mixed", SavedSAE, "password", WPA2, ieeeKey},
		{"SAE alone in the air", SavedSAE | AirSAE, "password", WPA3, "password"},
		{"set up as WPA2, and SAE alone in the air", SavedPSK | AirSAE, "password", WPA3, "password"},
		{"too short for WPA2, so WPA3 alone", SavedSAE, "short", WPA3, "short"},
		{"too long for WPA2, so WPA3 alone", SavedSAE, strings.Repeat("x", 100), WPA3, strings.Repeat("x", 100)},
		{"64 digits as a password of SAE", SavedSAE, ieeeKey, WPA3, ieeeKey},
		{"too short", SavedPSK, "short", "", ""},
		{"none", SavedSAE, "", "", ""},
		{"a key, and WPA3 alone in the air", SavedPSK | AirSAE, ieeeKey, "", ""},
	} {
		n := Network{SSID: "IEEE", Evidence: c.evidence, Security: c.evidence.Security(), Kept: "k", Lacks: "l"}
		got, err := n.With(c.text)
		if c.security == "" {
			if err == nil || c.text != "" && strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
			continue
		}
		if err != nil || got.Security != c.security || got.Secret.Reveal() != c.secret || got.Kept != "" || got.Lacks != "" {
			t.Errorf("%s: %s, %v, %v", c.name, got.Security, got.Secret.Reveal() == c.secret, err)
		}
	}
}

func TestOneNetworkInSeveralSourcesIsOneWithTheBestSecret(t *testing.T) {
	then := time.Unix(1e9, 0)
	key, pass := Secret{ieeeKey}, Secret{"password"}
	iwd := Network{SSID: "a", Security: WPA2, Secret: key, From: "iwd", Evidence: SavedSAE, Hidden: true}
	typed := Network{SSID: "a", Security: WPA2, Secret: key, Passphrase: pass, From: "wpa_supplicant", LastUsed: then}
	asked := Network{SSID: "a", Security: WPA2, Kept: "u1", From: "NetworkManager", Evidence: SavedPSK}
	inUse := asked
	inUse.Connected = true
	lacking := Network{SSID: "a", Security: WPA2, Lacks: "it is gone", From: "NetworkManager", Connected: true}
	three := Network{SSID: "a", Security: WPA3, Secret: pass, From: "iwd"}
	other := Network{SSID: "b", Security: WPA2, Secret: key, From: "iwd"}
	for _, c := range []struct {
		name  string
		in    []Network
		count int
		kept  string
		pass  bool
		from  string
	}{
		{"a password before a key", []Network{iwd, typed}, 1, "", true, "iwd, wpa_supplicant"},
		{"in either order", []Network{typed, iwd}, 1, "", true, "wpa_supplicant, iwd"},
		{"a key before one to be asked for", []Network{asked, iwd}, 1, "", false, "NetworkManager, iwd"},
		{"that of the network in use before all", []Network{typed, inUse, iwd}, 1, "u1", false, "wpa_supplicant, NetworkManager, iwd"},
		{"in use without a secret is no better", []Network{lacking, iwd}, 1, "", false, "NetworkManager, iwd"},
		{"two profiles of one source", []Network{asked, asked}, 1, "u1", false, "NetworkManager"},
		{"another protection is another network", []Network{iwd, three, other}, 3, "", false, "iwd"},
	} {
		got := Merge(c.in)
		if len(got) != c.count || got[0].Kept != c.kept || got[0].Passphrase.IsZero() == c.pass || got[0].From != c.from {
			t.Errorf("%s: %+v", c.name, got)
			continue
		}
		if got[0].SSID != "a" || c.count == 1 && got[0].Hidden != strings.Contains(c.from, "iwd") || got[0].Lacks != "" {
			t.Errorf("%s: %+v", c.name, got[0])
		}
	}
}

func TestWhereWasLookedIsOneLineAndOneForEachPlace(t *testing.T) {
	a, b := Network{SSID: "a", Security: Open}, Network{SSID: "b", Security: Open}
	nm := Search{Found: Found{Name: "NetworkManager", Where: "over D-Bus", Networks: []Network{a, b, a}}}
	iwd := Search{Found: Found{Name: "iwd", Where: "/var/lib/iwd", Networks: []Network{a}}, Locked: true}
	shut := Search{Found: Found{Name: "iwd", Where: "/var/lib/iwd"}, Locked: true}
	empty := Search{Found: Found{Name: "iwd", Where: "/var/lib/iwd"}}
	gone := Search{Found: Found{Name: "wpa_supplicant", Where: "/etc"}, Missing: true}
	for _, c := range []struct {
		searches   []Search
		line, each string
	}{
		{nil, "", ""},
		{[]Search{nm, iwd, gone}, "NetworkManager 2, iwd 1; wpa_supplicant: none", "NetworkManager (over D-Bus): 2 networks|iwd (/var/lib/iwd): 1 network, and more that only the administrator may read|wpa_supplicant: not used on this computer"},
		{[]Search{nm, shut, gone}, "NetworkManager 2; iwd: locked; wpa_supplicant: none", "NetworkManager (over D-Bus): 2 networks|iwd (/var/lib/iwd): only the administrator may read it|wpa_supplicant: not used on this computer"},
		{[]Search{empty, gone}, "iwd, wpa_supplicant: none", "iwd (/var/lib/iwd): no network|wpa_supplicant: not used on this computer"},
	} {
		if p := Searched(c.searches); p.Line != c.line || strings.Join(p.Each, "|") != c.each {
			t.Errorf("%q %q", p.Line, p.Each)
		}
	}
}
