package narinfo

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
)

// Key is a public key that a cache signs with.
type Key struct {
	Name string // cache.nixos.org-1
	ed25519.PublicKey
}

// ParseKey reads NAME:BASE64, as trusted-public-keys of nix.conf has it.
func ParseKey(text string) (Key, error) {
	name, raw, err := named(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("%q is no public key of a cache: it has to be NAME:BASE64", text)
	}
	return Key{name, raw}, nil
}

// String is what ParseKey reads.
func (k Key) String() string {
	return k.Name + ":" + base64.StdEncoding.EncodeToString(k.PublicKey)
}

// named reads NAME:BASE64, which keys and signatures are.
func named(text string) (name string, raw []byte, err error) {
	name, encoded, ok := strings.Cut(text, ":")
	if !ok || name == "" {
		return "", nil, fmt.Errorf("%q has no name", text)
	}
	raw, err = base64.StdEncoding.DecodeString(encoded)
	return name, raw, err
}
