// Package hostfile keeps the hosts that were set up on this computer, for the
// day a card dies.
//
// Under $XDG_DATA_HOME/piwiz/hosts (XDG Base Directory Specification) each
// host has a folder: host.toml with the answers and no secret, flake/ with
// the Nix files, and secrets/ (0700) with the Wi-Fi keys and the host key
// (0600). Nix copies the flake folder into its world-readable store, so no
// secret may ever be written there.
package hostfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// Answers are a page of text; a larger file is something else.
const maxFile = 256 << 10

// Store is the folder of all saved hosts.
type Store struct{ Dir string }

// Default is the store of this user.
func Default() (Store, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the specification says to ignore a relative one
		home, err := os.UserHomeDir()
		if err != nil {
			return Store{}, fmt.Errorf("find your home folder: %w", err)
		}
		data = filepath.Join(home, ".local", "share")
	}
	return Store{filepath.Join(data, "piwiz", "hosts")}, nil
}

// Saved is one host with its secrets.
type Saved struct {
	Host     nixgen.Host
	PSK      map[string]wifi.Secret // by SSID
	Identity sshkey.Identity
	Changed  time.Time
}

// Problem is a host that could not be read, and why.
type Problem struct {
	File string
	Err  error
}

func (p Problem) Error() string { return p.File + ": " + p.Err.Error() }
func (p Problem) Unwrap() error { return p.Err }

// Hints says what to do about it.
func (p Problem) Hints() []string {
	return []string{"Mend the file with an editor, or remove its folder to forget the host: " + filepath.Dir(p.File)}
}

// Path is the path of something in a host's folder.
func (s Store) Path(name string, elem ...string) string {
	return filepath.Join(append([]string{s.Dir, name}, elem...)...)
}

// unknown is the error for a host that was never saved; it is fs.ErrNotExist.
type unknown string

func (u unknown) Error() string        { return "there is no saved host " + string(u) + "." }
func (u unknown) Is(target error) bool { return target == fs.ErrNotExist }

// Hints says how to get one.
func (u unknown) Hints() []string {
	return []string{"`piwiz hosts` lists the saved hosts; `piwiz` alone, or `piwiz build FILE.toml`, makes a new one."}
}

// List reads all hosts. Those that cannot be read are Problems and do not
// hide the others.
func (s Store) List() ([]Saved, []Problem, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the saved hosts: %w", err)
	}
	var found []Saved
	var problems []Problem
	for _, e := range entries {
		if name, complaint := nixgen.CheckName(e.Name()); complaint != "" || name != e.Name() || !e.IsDir() {
			continue
		}
		h, err := s.Load(e.Name())
		var p Problem
		switch {
		case err == nil:
			found = append(found, h)
		case errors.As(err, &p):
			problems = append(problems, p)
		default:
			problems = append(problems, Problem{s.Path(e.Name(), "host.toml"), err})
		}
	}
	return found, problems, nil
}

// Load reads one host. An unknown name is fs.ErrNotExist.
func (s Store) Load(name string) (Saved, error) {
	if canonical, complaint := nixgen.CheckName(name); complaint != "" || canonical != name {
		return Saved{}, fmt.Errorf("%q is no host name: %s", name, complaint)
	}
	file := s.Path(name, "host.toml")
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Saved{}, unknown(name)
	}
	if err != nil {
		return Saved{}, Problem{file, err}
	}
	defer f.Close()
	out := Saved{}
	if out.Host, err = ReadAnswers(f); err != nil {
		return Saved{}, Problem{file, err}
	}
	if out.Host.Name != name {
		return Saved{}, Problem{file, fmt.Errorf("it is about %q, but lies in the folder of %q", out.Host.Name, name)}
	}
	if st, err := f.Stat(); err == nil {
		out.Changed = st.ModTime()
	}
	return out, s.loadSecrets(name, &out)
}

func (s Store) loadSecrets(name string, out *Saved) error {
	file := s.Path(name, "secrets", "wifi.toml")
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Problem{file, err}
	}
	var plain struct{ Networks []secretLine }
	if err := toml.Unmarshal(data, &plain); err != nil {
		return Problem{file, errors.New("it cannot be read; choose the Wi-Fi networks again in the wizard")} // the cause would show the line
	}
	out.PSK = map[string]wifi.Secret{}
	for _, n := range plain.Networks {
		out.PSK[n.SSID] = wifi.NewSecret(n.Secret)
	}
	file = s.Path(name, "secrets", "ssh_host_ed25519_key")
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // saved by hand: it gets its key when it is first built
	}
	if err == nil {
		out.Identity, err = sshkey.ParseIdentity(key, "root@"+name)
	}
	if err != nil {
		return Problem{file, err}
	}
	return nil
}

type secretLine struct {
	SSID   string `toml:"ssid"`
	Secret string `toml:"secret"`
}

// ReadAnswers reads a host.toml. Unknown keys and wrong types are errors that
// show the line.
func ReadAnswers(r io.Reader) (nixgen.Host, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nixgen.Host{}, err
	}
	if len(data) > maxFile {
		return nixgen.Host{}, errors.New("the file is too large to be a host.toml")
	}
	var h nixgen.Host
	err = toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&h)
	var strict *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		return h, fmt.Errorf("this key is not known; correct or remove it:\n%s", strict.String())
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return h, fmt.Errorf("line %d, column %d:\n%s", row, column, wrong.String())
	}
	return h, err
}
