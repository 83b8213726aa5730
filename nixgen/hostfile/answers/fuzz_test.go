package answers

import (
	"bytes"
	"testing"
)

// What is taken has no problem that nobody was told.
func FuzzReadHost(f *testing.F) {
	f.Add([]byte("name = \"bach\"\nboard = \"4\"\nkeys = []\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHost(bytes.NewReader(b))
		if problems := h.Problems(); err == nil && len(problems) > 0 {
			t.Errorf("%q is taken, with %v", b, problems)
		}
	})
}

func FuzzReadSecrets(f *testing.F) {
	f.Add([]byte("[[networks]]\nssid = 'x'\nsecret = 'y'\n"))
	f.Add([]byte("networks = 3\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		psk, err := ReadSecrets(b)
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("the error shows what it read: %v", err)
		}
		_ = len(psk)
	})
}
