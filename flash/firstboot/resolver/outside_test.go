package resolver

import "testing"

func FuzzGetent(f *testing.F) {
	f.Add("192.168.1.20    STREAM bach.local\nfe80::1%eth0 DGRAM\n")
	f.Add("127.0.0.1 STREAM x\n0.0.0.0\n::\n1.2.3.4.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		found := parse(text)
		if len(found) > most {
			t.Fatalf("%d addresses", len(found))
		}
		for i, a := range found {
			for _, b := range found[:i] {
				if !a.IsValid() || a == b {
					t.Fatalf("%q: %v and %v", text, a, b)
				}
			}
		}
	})
}
