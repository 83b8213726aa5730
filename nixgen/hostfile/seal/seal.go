// Package seal says for whom an export is encrypted and with what it is
// opened: the keys and passphrases of age (age-encryption.org/v1), of which SSH
// keys can be some (package agessh).
//
// A passphrase is asked for, through a function, when it is needed. It is
// never an argument, a file or in the environment.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/regular"
)

const (
	// maxKeys is more than a file of keys ever has.
	maxKeys = 1 << 20
	// maxWork bounds what a file can make this computer do to try a
	// passphrase: 2^20 takes 1 GiB of memory. age writes 18.
	maxWork = 20
)

// Ask asks for a passphrase; what says for which.
type Ask func(what string) (string, error)

// Error is a key that cannot be used, and why.
type Error struct {
	Key string // as it was given, or the file
	Err error
	fault.Todo
}

func (e *Error) Error() string { return e.Key + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func unusable(key string, err error) *Error {
	if todo := durable.Remedy(err, key); todo != nil {
		return &Error{key, err, append(todo, "Or use no key: then piwiz asks for a passphrase.")}
	}
	return &Error{key, err, fault.Todo{
		"Use an SSH key of type ed25519 or rsa (~/.ssh/id_ed25519), or a key of age (age1...; made by age-keygen).",
		"Or use none: then piwiz asks for a passphrase.",
	}}
}

// For reads the public keys an export is encrypted for. Each is a key itself
// (ssh-ed25519 AAAA..., age1...) or a file of keys, one a line.
func For(words []string) ([]age.Recipient, error) {
	var out []age.Recipient
	var bad []error
	for _, w := range words {
		found, err := recipients(w)
		if err != nil {
			bad = append(bad, unusable(short(w), err))
		}
		out = append(out, found...)
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return out, nil
}

// short is a key or a file as it may stand in a sentence.
func short(w string) string {
	if len(w) > 60 {
		return w[:60] + "..."
	}
	return w
}

func recipients(w string) ([]age.Recipient, error) {
	if strings.HasPrefix(w, "age1") || strings.HasPrefix(w, "ssh-") || strings.Contains(w, " AAAA") {
		r, err := recipient(w)
		return []age.Recipient{r}, err
	}
	text, err := read(w)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) || bytes.Contains(text, []byte("AGE-SECRET-KEY-")) {
		return nil, errors.New("this is a private key; give the public half, which for SSH ends in .pub")
	}
	var out []age.Recipient
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := recipient(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return out, nil
}

func recipient(line string) (age.Recipient, error) {
	if !strings.HasPrefix(line, "age1") {
		r, err := agessh.ParseRecipient(line)
		if err != nil {
			return nil, unfit(err)
		}
		return r, nil
	}
	rs, err := age.ParseRecipients(strings.NewReader(line))
	if err != nil || len(rs) != 1 {
		return nil, errors.New("this is not an age public key that piwiz can use; plugin keys cannot be used")
	}
	return rs[0], nil
}

// unfit names an SSH key that age cannot use.
func unfit(err error) error {
	if strings.Contains(err.Error(), "type") {
		return errors.New("an SSH key of this type cannot encrypt; only ed25519 and rsa can, and no security key")
	}
	return errors.New("this is not an SSH public key")
}

func read(path string) ([]byte, error) {
	text, err := regular.ReadFile(path, maxKeys, 0)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return text, err
}

// Passphrase encrypts for whoever knows it.
func Passphrase(text string) (age.Recipient, error) { return age.NewScryptRecipient(text) }

// Open are the keys in files that may open an export: private SSH keys and
// files of age-keygen. A file that is encrypted itself, or an export that is,
// makes it ask. An ssh-agent cannot help: it signs and never decrypts.
func Open(files []string, ask Ask) ([]age.Identity, error) {
	out := []age.Identity{asking{ask}}
	var bad []error
	for _, f := range files {
		ids, err := identities(f, ask)
		if err != nil {
			bad = append(bad, unusable(f, err))
		}
		out = append(out, ids...)
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return out, nil
}

// Usual are the private SSH keys of a user that exist and can be used.
func Usual(sshDir string) []string {
	var out []string
	for _, name := range []string{"id_ed25519", "id_rsa"} {
		path := filepath.Join(sshDir, name)
		if _, err := identities(path, nil); err == nil {
			out = append(out, path)
		}
	}
	return out
}

func identities(file string, ask Ask) ([]age.Identity, error) {
	text, err := read(file)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		ids, err := age.ParseIdentities(bytes.NewReader(text))
		if err != nil { // the cause could show a line of it
			return nil, errors.New("there is no private key in it that can be used; give the private half, which for SSH has no .pub")
		}
		return ids, nil
	}
	id, err := agessh.ParseIdentity(text)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		id, err = unlocking(file, text, missing.PublicKey, ask)
	}
	if err != nil {
		return nil, errors.New("this private key cannot be used; only SSH keys of type ed25519 and rsa can")
	}
	return []age.Identity{id}, nil
}

// ErrPassphrase is the error for a wrong passphrase of a private key.
var ErrPassphrase = errors.New("this is not its passphrase")

// locked is a private SSH key that is encrypted itself. It is asked for only if
// it can open the export.
type locked struct {
	id     age.Identity
	failed error
}

func unlocking(file string, text []byte, public ssh.PublicKey, ask Ask) (age.Identity, error) {
	if public == nil { // an old format; the other half is beside it
		var err error
		if public, err = publicHalf(file); err != nil {
			return nil, err
		}
	}
	l := &locked{}
	id, err := agessh.NewEncryptedSSHIdentity(public, text, func() ([]byte, error) {
		answer, err := ask("the SSH key " + file + " (ssh-agent cannot decrypt)")
		if err == nil {
			if _, bad := ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(answer)); bad != nil {
				err = unusable(file, ErrPassphrase)
			}
		}
		l.failed = err
		return []byte(answer), err
	})
	l.id = id
	return l, err
}

// Unwrap is that of the key, with the cause of a failure.
func (l *locked) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := l.id.Unwrap(stanzas)
	if err != nil && l.failed != nil {
		return nil, l.failed
	}
	return key, err
}

func publicHalf(file string) (ssh.PublicKey, error) {
	text, err := read(file + ".pub")
	if err == nil {
		var k ssh.PublicKey
		if k, _, _, _, err = ssh.ParseAuthorizedKey(text); err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("its public half is needed too, in %s.pub", file)
}

// asking opens an export that is encrypted with a passphrase.
type asking struct{ ask Ask }

// Unwrap asks only where a passphrase is what opens it.
func (a asking) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, age.ErrIncorrectIdentity
	}
	text, err := a.ask("the export")
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(text)
	if err != nil {
		return nil, age.ErrIncorrectIdentity // an empty one
	}
	id.SetMaxWorkFactor(maxWork)
	return id.Unwrap(stanzas)
}
