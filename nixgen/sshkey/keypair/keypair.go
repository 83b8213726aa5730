// Package keypair is the ed25519 key pairs that piwiz makes: the Pi's own host
// key, and a key for a user who has none.
//
// The private half is in OpenSSH's own format (openssh-portable, PROTOCOL.key).
//
// Rule: no private half leaves this package but by Reveal.
package keypair

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Pair is an ed25519 key pair. However it is printed, logged or
// encoded, the private half stays hidden; only Reveal shows it.
type Pair struct {
	private []byte // OpenSSH PEM
	public  string // "ssh-ed25519 AAAA... root@bach"
}

// ForHost makes the host key of a host.
func ForHost(host string) (Pair, error) { return New("root@" + host) }

// New makes a key pair.
func New(comment string) (Pair, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	defer clear(key)
	block, err := ssh.MarshalPrivateKey(crypto.PrivateKey(key), comment)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	defer clear(block.Bytes)
	public, err := lineOf(key, comment)
	return Pair{pem.EncodeToMemory(block), public}, err
}

// Parse reads the private half back. The comment of the public half
// is not part of what OpenSSH can tell from it, so it is given.
func Parse(private []byte, comment string) (Pair, error) {
	raw, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		return Pair{}, errors.New("the host key is damaged")
	}
	key, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return Pair{}, errors.New("the host key is not an ed25519 key")
	}
	defer clear(*key)
	public, err := lineOf(*key, comment)
	return Pair{private, public}, err
}

// Named is the same key with another comment at its public half.
func (p Pair) Named(comment string) (Pair, error) { return Parse(p.private, comment) }

func lineOf(key ed25519.PrivateKey, comment string) (string, error) {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("read a key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + comment, nil
}

// Reveal returns the private half, in OpenSSH's format. Call it only to write
// it where it belongs.
func (p Pair) Reveal() []byte { return p.private }

// PublicLine is the public half as one line, with its comment.
func (p Pair) PublicLine() string { return p.public }

// IsZero tells whether there is no key.
func (p Pair) IsZero() bool { return len(p.private) == 0 }

// Fingerprint is the public half as SHA256:..., "" without a key.
func (p Pair) Fingerprint() string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(p.public))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

func (p Pair) String() string               { return p.public }
func (p Pair) GoString() string             { return p.public }
func (p Pair) LogValue() slog.Value         { return slog.StringValue(p.public) }
func (p Pair) MarshalText() ([]byte, error) { return []byte(p.public), nil }

// Format hides the private half from every verb.
func (p Pair) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.public) }
