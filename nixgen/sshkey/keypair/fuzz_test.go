package keypair

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	id, err := ForHost("bach")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id.Reveal())
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END OPENSSH PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Parse(bytes.Clone(b), "root@bach")
		switch {
		case err != nil && (strings.Contains(err.Error(), "secret") || len(err.Error()) > 60):
			t.Fatalf("%v", err)
		case err == nil && (!bytes.Equal(got.Reveal(), b) || !strings.HasPrefix(got.PublicLine(), "ssh-ed25519 ") || got.Fingerprint() == ""):
			t.Fatalf("%q became %v", b, got)
		}
	})
}
