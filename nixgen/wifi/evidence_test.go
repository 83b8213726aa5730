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
