package wifi

import (
	"strings"
	"testing"
)

// What is taken can be written: a key into the secrets file, a password of WPA3 as it
// is into a file of wpa_supplicant. No error shows it.
func FuzzTyped(f *testing.F) {
	f.Add("Home", "correct horse", "wpa2")
	f.Add("Home\x00", strings.Repeat("a", 64), "wpa3")
	f.Add("Home", " #x ", "wpa3")
	f.Add("0", " ", "wpa3")
	f.Fuzz(func(t *testing.T, ssid, secret, security string) {
		n, err := Typed(ssid, secret, Security(security), false)
		if err != nil {
			if len(secret) > 7 && secret != ssid && !strings.Contains(ssid, secret) && strings.Contains(err.Error(), secret) && strings.ContainsAny(secret, "0123456789#\x00\n") {
				t.Fatalf("%q is shown: %v", secret, err)
			}
			return
		}
		got := n.Secret.Reveal()
		switch {
		case n.Security == WPA3 && (got != secret || strings.ContainsAny(got, "\n\r\x00")):
			t.Fatalf("a WPA3 password is kept as it is: %q became %q", secret, got)
		case n.Security != WPA3 && (strings.ContainsAny(got, "\n\r\x00#") || got != strings.TrimSpace(got)):
			t.Fatalf("%q %q became %q", ssid, secret, got)
		}
	})
}
