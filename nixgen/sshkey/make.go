package sshkey

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/sshkey/keypair"
)

// ErrExists is returned by Make when a key is there already.
var ErrExists = errors.New("a key with that name already exists; nothing was changed")

// Make makes a key pair for the user in sshDir, name and name.pub. It never
// overwrites a file: then the error is ErrExists.
func Make(sshDir, name, comment string) (PublicKey, error) {
	if text := CheckName(name); text != "" {
		return PublicKey{}, errors.New(text)
	}
	pair, err := keypair.New(comment)
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
	if err := create(path, pair.Reveal(), 0o600); err != nil {
		return PublicKey{}, err
	}
	if err := create(path+".pub", []byte(pair.PublicLine()+"\n"), 0o644); err != nil {
		_ = os.Remove(path) // half a pair is of no use
		return PublicKey{}, err
	}
	k, err := ParseLine(pair.PublicLine())
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
