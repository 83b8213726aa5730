package wifi

import (
	"strings"
	"testing"
)

// What is taken can be written into a secrets file, and no error shows it.
func FuzzTyped(f *testing.F) {
	f.Add("Home", "correct horse", "wpa2")
	f.Add("Home\x00", strings.Repeat("a", 64), "wpa3")
	f.Add("", " #x ", "wpa3")
	f.Fuzz(func(t *testing.T, ssid, secret, security string) {
		n, err := Typed(ssid, secret, Security(security), false)
		if err != nil {
			if len(secret) > 7 && secret != ssid && !strings.Contains(ssid, secret) && strings.Contains(err.Error(), secret) && strings.ContainsAny(secret, "0123456789#\x00\n") {
				t.Fatalf("%q is shown: %v", secret, err)
			}
			return
		}
		if got := n.Secret.Reveal(); strings.ContainsAny(got, "\n\r\x00#") || got != strings.TrimSpace(got) {
			t.Fatalf("%q %q became %q", ssid, secret, got)
		}
	})
}
