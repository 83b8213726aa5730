package sshkey

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"piwiz/nixgen/durable"
)

// ErrExists is returned by Make when a key is there already.
var ErrExists = errors.New("a key with that name already exists; nothing was changed")

// Identity is the ed25519 host key of a Pi. However it is printed, logged or
// encoded, the private half stays hidden; only Reveal shows it.
type Identity struct {
	private []byte // OpenSSH PEM
	public  string // "ssh-ed25519 AAAA... root@bach"
}

// NewIdentity makes a host key for a host.
func NewIdentity(host string) (Identity, error) {
	return generate("root@" + host)
}

func generate(comment string) (Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("make a key: %w", err)
	}
	defer clear(key)
	block, err := ssh.MarshalPrivateKey(crypto.PrivateKey(key), comment)
	if err != nil {
		return Identity{}, fmt.Errorf("make a key: %w", err)
	}
	defer clear(block.Bytes)
	public, err := lineOf(key, comment)
	return Identity{pem.EncodeToMemory(block), public}, err
}

// ParseIdentity reads the private half back. The comment of the public half
// is not part of what OpenSSH can tell from it, so it is given.
func ParseIdentity(private []byte, comment string) (Identity, error) {
	raw, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		return Identity{}, errors.New("the host key is damaged")
	}
	key, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return Identity{}, errors.New("the host key is not an ed25519 key")
	}
	defer clear(*key)
	public, err := lineOf(*key, comment)
	return Identity{private, public}, err
}

// Named is the same key with another comment at its public half.
func (i Identity) Named(comment string) (Identity, error) { return ParseIdentity(i.private, comment) }

func lineOf(key ed25519.PrivateKey, comment string) (string, error) {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("read a key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + comment, nil
}

// Reveal returns the private half, in OpenSSH's format. Call it only to write
// it where it belongs.
func (i Identity) Reveal() []byte { return i.private }

// PublicLine is the public half as one line, with its comment.
func (i Identity) PublicLine() string { return i.public }

// IsZero tells whether there is no key.
func (i Identity) IsZero() bool { return len(i.private) == 0 }

// Fingerprint is the public half as SHA256:..., "" without a key.
func (i Identity) Fingerprint() string {
	k, err := ParseLine(i.public)
	if err != nil {
		return ""
	}
	return k.Fingerprint
}

func (i Identity) String() string               { return i.public }
func (i Identity) GoString() string             { return i.public }
func (i Identity) LogValue() slog.Value         { return slog.StringValue(i.public) }
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.public), nil }

// Format hides the private half from every verb.
func (i Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, i.public) }

// Make makes a key pair for the user in sshDir, name and name.pub. It never
// overwrites a file: then the error is ErrExists.
func Make(sshDir, name, comment string) (PublicKey, error) {
	if text := CheckName(name); text != "" {
		return PublicKey{}, errors.New(text)
	}
	id, err := generate(comment)
	if err != nil {
		return PublicKey{}, err
	}
	if err := os.MkdirAll(sshDir, 0o700); err != nil {
		return PublicKey{}, fmt.Errorf("make the folder for SSH keys: %w", err)
	}
	path := filepath.Join(sshDir, name)
	if there(path + ".pub") {
		return PublicKey{}, fmt.Errorf("%s.pub: %w", path, ErrExists)
	}
	if err := create(path, id.Reveal(), 0o600); err != nil {
		return PublicKey{}, err
	}
	if err := create(path+".pub", []byte(id.PublicLine()+"\n"), 0o644); err != nil {
		_ = os.Remove(path) // half a pair is of no use
		return PublicKey{}, err
	}
	k, err := ParseLine(id.PublicLine())
	k.Source, k.Use, k.File = path+".pub", Here, path
	return k, err
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName says what is wrong with the name of a new key's file, "" when
// nothing is.
func CheckName(name string) string {
	switch {
	case !nameForm.MatchString(name):
		return "Use letters, digits, and . _ - in between, at most 64 of them; for example id_ed25519_pi."
	case strings.HasSuffix(name, ".pub"):
		return "Leave .pub out: piwiz adds it to the public half."
	case strings.HasPrefix(name, "known_hosts"), strings.HasPrefix(name, "authorized_keys"), name == "config", name == "environment", name == "rc":
		return "ssh uses this name for something else. Choose another one."
	}
	return ""
}

func create(path string, data []byte, mode fs.FileMode) error {
	err := durable.Create(path, data, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}
