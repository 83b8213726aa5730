package wifi

import (
	"strings"
	"testing"
)

// Every combination that there can be, by the rule that the strongest word
// counts: what the network said of itself, then the air, then what was saved.
func TestTheSecurityIsDecidedByEvidence(t *testing.T) {
	for e := range Evidence(1 << 5) {
		want := WPA2
		switch {
		case e&NoTransition != 0:
			want = WPA3
		case e&AirPSK != 0:
		case e&AirSAE != 0:
			want = WPA3
		}
		if got := e.Security(); got != want {
			t.Errorf("%05b: %s, want %s", e, got, want)
		}
		if (e.Doubt() != "") != (e == SavedSAE) {
			t.Errorf("%05b: doubt %q", e, e.Doubt())
		}
	}
}

func TestTheAirDecidesWhatTheFilesLeaveOpen(t *testing.T) {
	const sae = "[Security]\nPassphrase=password\nSAE-PT-Group19=00\n"
	const key = "[Security]\nPreSharedKey=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n"
	const gone = "[Settings]\nTransitionDisable=true\nDisabledTransitionModes=personal\n" + sae
	found, problems := FromFiles(map[string][]byte{
		"mixed.psk": []byte(sae), "three.psk": []byte(sae), "away.psk": []byte(sae), "said.psk": []byte(gone),
		"old.psk": []byte(key), "new.psk": []byte(key), "cafe.open": nil,
	})
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	found, problems = Weigh(found, map[string]Evidence{
		"mixed": AirPSK | AirSAE, "three": AirSAE, "said": AirPSK, "old": AirPSK, "new": AirSAE, "cafe": AirSAE, "other": AirSAE,
	})
	var got []string
	for _, n := range found {
		got = append(got, n.SSID+" "+string(n.Security))
		if n.Security == WPA3 && n.Secret.Reveal() != "password" || n.Security == WPA2 && len(n.Secret.Reveal()) != 64 {
			t.Errorf("%s has the wrong kind of secret", n.SSID)
		}
		if (n.Evidence.Doubt() != "") != (n.SSID == "away") {
			t.Errorf("%s: %q", n.SSID, n.Evidence.Doubt())
		}
	}
	if s := strings.Join(got, ", "); s != "away wpa2, cafe open, mixed wpa2, old wpa2, said wpa3, three wpa3" {
		t.Error(s)
	}
	if len(problems) != 1 || problems[0].File != "new.psk" || !strings.Contains(problems[0].Error(), "type it in") {
		t.Error(problems)
	}
}

func TestAUserMayChooseOtherwise(t *testing.T) {
	n, err := Typed("IEEE", "password", WPA2, false)
	if err != nil {
		t.Fatal(err)
	}
	three, err := n.As(WPA3)
	if err != nil || three.Secret.Reveal() != "password" {
		t.Fatal(three, err)
	}
	two, err := three.As(WPA2)
	if err != nil || two.Secret != n.Secret {
		t.Fatal(two, err)
	}
	if _, err := n.As(Open); err == nil {
		t.Error("a network with a password became open")
	}
	key, _ := Typed("IEEE", n.Secret.Reveal(), WPA2, false)
	if _, err := key.As(WPA3); err == nil || !strings.Contains(err.Error(), "password") {
		t.Error(err)
	}
}
