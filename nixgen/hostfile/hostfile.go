// Package hostfile keeps the hosts that were set up on this computer, for the
// day a card dies.
//
// Under $XDG_DATA_HOME/piwiz/hosts (XDG Base Directory Specification) each
// host has a folder: host.toml with the answers and no secret, flake/ with
// the Nix files, and secrets/ (0700) with the Wi-Fi passwords and the host key
// (0600). Nix copies the flake folder into its world-readable store, so no
// secret may ever be written there.
//
// A build adds result, which leads to the image, and result.from, a hash of what
// that was built from (package origin): it is the image of those answers and no
// other.
//
// Rules: a host is on the disk as it was or as it was to be, whenever the
// process ends (package journal). No secret is written over or replaced without a
// copy of what was. What is missing or not as piwiz made it is a problem, and
// all of them are told at once (package inspect): nothing is made again in
// silence.
package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/journal"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/xdg"
)

// Store is the folder of all saved hosts.
type Store struct {
	Dir  string
	disk durable.Disk
}

// Default is the store of this user.
func Default() (Store, error) {
	data, err := xdg.Data()
	if err != nil {
		return Store{}, err
	}
	return Store{Dir: filepath.Join(data, "piwiz", "hosts")}, nil
}

// Saved is one host with its secrets.
type Saved struct {
	Host     nixgen.Host
	PSK      map[string]wifi.Secret // by SSID
	Identity keypair.Pair
	Changed  time.Time
	Folder   string            // where it is kept; "" when it never was
	Problems []inspect.Problem // what is missing of it, or not as it was made
	NewKey   bool              // the user said yes to a new host key in the place of a lost one
	Kept     string            // where the secrets are that the last save replaced; "" when it replaced none
}

// Lacks tells whether there is a problem of this kind.
func (h Saved) Lacks(k inspect.Kind) bool {
	for _, p := range h.Problems {
		if p.Kind == k {
			return true
		}
	}
	return false
}

// Usable is an error with the problems that stand in the way of a card for
// this host, but for those of the kinds that the caller takes care of.
func (h Saved) Usable(but ...inspect.Kind) error {
	var stop []inspect.Problem
next:
	for _, p := range h.Problems {
		for _, k := range append(but, inspect.Note) {
			if p.Kind == k {
				continue next
			}
		}
		stop = append(stop, p)
	}
	if len(stop) == 0 {
		return nil
	}
	return inspect.NewBroken(h.Host.Name, stop)
}

// Path is the path of something in a host's folder.
func (s Store) Path(name string, elem ...string) string {
	return filepath.Join(append([]string{s.Dir, name}, elem...)...)
}

// unknown is the error for a host that was never saved; it is fs.ErrNotExist.
type unknown struct {
	name string
	fault.Todo
}

func notSaved(name string) error {
	return &unknown{name, fault.Todo{"`piwiz hosts` lists the saved hosts; `piwiz` alone, or `piwiz build FILE.toml`, makes a new one."}}
}

func (u *unknown) Error() string        { return "there is no saved host " + u.name + "." }
func (u *unknown) Is(target error) bool { return target == fs.ErrNotExist }

// Names are those of all saved hosts, whatever is wrong with them.
func (s Store) Names() (names []string, err error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the saved hosts: %w", err)
	}
	for _, e := range entries {
		if ofHost(e) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// ofHost says whether an entry of the folder has the name of a host.
func ofHost(e fs.DirEntry) bool {
	canonical, _ := nixgen.CheckName(e.Name())
	return canonical == e.Name() && e.Name()[0] != '.'
}

// changes are those of its hosts.
func (s Store) changes() journal.Hosts { return journal.Hosts{Dir: s.Dir, Disk: s.disk} }

// lock keeps other processes from changing the store. A file system that has
// no locks is no reason to stop. There is nothing to lock before the first
// host.
func (s Store) lock() (unlock func(), err error) {
	d, err := os.Open(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the folder of the saved hosts: %w", err)
	}
	for {
		if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			return func() { _ = d.Close() }, nil
		}
	}
}

// List reads all hosts, each with its problems. Those that cannot be read, and
// what else is among them, are problems of their own and do not hide the
// others.
func (s Store) List() ([]Saved, []inspect.Problem, error) {
	unlock, err := s.lock()
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the saved hosts: %w", err)
	}
	var found []Saved
	var problems []inspect.Problem
	for _, e := range entries {
		if p := inspect.Foreign(s.Dir, e); p != nil {
			problems = append(problems, *p)
			continue
		}
		if !ofHost(e) {
			continue
		}
		h, err := s.load(e.Name())
		var broken *inspect.Broken
		switch {
		case err == nil:
			found = append(found, h)
		case errors.As(err, &broken):
			problems = append(problems, broken.Problems...)
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, inspect.Problem{
				File: s.Path(e.Name()), Err: errors.New("it has no host.toml and no secrets, so there is no host in it yet"), Kind: inspect.Note,
				Todo: []string{"Leave it if it is for a new host; its configuration.nix will be used. Otherwise move it away. " + inspect.Command("mv %s ~/", s.Path(e.Name()))},
			})
		default:
			problems = append(problems, inspect.Problem{File: s.Path(e.Name()), Err: err, Kind: inspect.Stop})
		}
	}
	return found, problems, nil
}

// Load reads one host. An unknown name is fs.ErrNotExist; a host whose answers
// cannot be read, or whose folder is no plain folder, is an *inspect.Broken. What
// else is wrong with it is in its Problems.
func (s Store) Load(name string) (Saved, error) {
	if err := checkName(name); err != nil {
		return Saved{}, err
	}
	unlock, err := s.lock()
	if err != nil {
		return Saved{}, err
	}
	defer unlock()
	return s.load(name)
}

// begun tells whether a folder is there for a host that was never saved: with
// a configuration.nix, perhaps, that somebody put there beforehand.
func (s Store) begun(name string) bool {
	for _, part := range []string{layout.Answers, "secrets", layout.Journal, "flake/piwiz.nix"} {
		if layout.Exists(s.Path(name, part)) {
			return false
		}
	}
	st, err := os.Lstat(s.Path(name))
	return err == nil && st.IsDir()
}

func (s Store) load(name string) (Saved, error) {
	if _, err := os.Lstat(s.Path(name)); errors.Is(err, fs.ErrNotExist) {
		return Saved{}, notSaved(name)
	}
	if s.begun(name) {
		return Saved{}, notSaved(name)
	}
	if err := s.finished(name); err != nil {
		return Saved{}, err
	}
	found, problems := inspect.Host(s.Dir, name)
	if found.Host.Name == "" {
		return Saved{}, inspect.NewBroken(name, problems)
	}
	return Saved{Host: found.Host, PSK: found.PSK, Identity: found.Identity, Changed: found.Changed, Folder: s.Path(name), Problems: problems}, nil
}

// finished is Finish of package journal, with what to do when that cannot be done: what was to be
// saved is in the journal until it can.
func (s Store) finished(name string) error {
	err := s.changes().Finish(name)
	if err == nil {
		return nil
	}
	return inspect.NewBroken(name, []inspect.Problem{{
		File: s.Path(name, layout.Journal), Err: err, Kind: inspect.Stop,
		Todo: append(inspect.Remedy(s.Path(name), err), "Then list the hosts, which finishes what was started; nothing is lost until then: piwiz hosts"),
	}})
}
