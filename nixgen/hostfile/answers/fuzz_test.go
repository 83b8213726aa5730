package answers

import (
	"bytes"
	"testing"
)

func FuzzReadHost(f *testing.F) {
	f.Add([]byte("name = \"bach\"\nboard = \"4\"\nkeys = []\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		h, err := ReadHost(bytes.NewReader(b))
		if err == nil {
			h.Problems()
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
