package wifi

import (
	"fmt"
	"strings"
	"testing"
)

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

func TestTheConnectedNetworkComesFirst(t *testing.T) {
	ns := []Network{{SSID: "b"}, {SSID: "a"}, {SSID: "c"}}
	Sort(ns, "c")
	if ns[0].SSID != "c" || !ns[0].Connected || ns[1].SSID != "a" {
		t.Error(ns)
	}
}

func TestWhatCannotBeSeenInATypedTextIsNamed(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                 {"", ""},
		"secret word":      {"", "secret word"},
		" secret":          {"begins with a space", "secret"},
		"secret  ":         {"ends in a space", "secret"},
		" secret ":         {"begins and ends with a space", "secret"},
		"   ":              {"begins and ends with a space", ""},
		"a\u00a0b":         {"contains a character that cannot be seen", "a b"},
		"a\u00a0":          {"contains a character that cannot be seen", "a"},
		"\ufeffa":          {"contains a character that cannot be seen", "a"},
		"a\u202eb":         {"contains a character that cannot be seen", "ab"},
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
