package firstboot

import (
	"testing"

	"piwiz/flash/firstboot/mdns"
)

func FuzzGetent(f *testing.F) {
	f.Add("192.168.1.20    STREAM bach.local\nfe80::1%eth0 DGRAM\n")
	f.Add("127.0.0.1 STREAM x\n0.0.0.0\n::\n1.2.3.4.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		found := parseGetent(text)
		if len(found) > mdns.MaxAnswers {
			t.Fatalf("%d addresses", len(found))
		}
		for i, a := range found {
			if !a.IsValid() || !mdns.Usable(a) {
				t.Fatalf("%q: %v", text, a)
			}
			for _, b := range found[:i] {
				if a == b {
					t.Fatalf("%q: %v twice", text, a)
				}
			}
		}
	})
}

func FuzzHostKeyLine(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM root@bach")
	f.Add("command=\"x\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM\n")
	f.Fuzz(func(t *testing.T, line string) {
		k, err := parseKey(line)
		if err == nil && (k.Type() != "ssh-ed25519" || !same(k, k)) {
			t.Fatalf("%q: %v", line, k)
		}
	})
}
