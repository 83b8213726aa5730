package firstboot

import "testing"

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
