// Package storedir keeps the folder that is bound to /nix/store elsewhere: a
// store path appears there whole and verified, or not at all.
//
// What is not verified yet has a name that begins with Part. It is in the same
// folder, because only there may a read-only folder be renamed. Nobody else may
// write into the folder meanwhile: the lock is the caller's.
package storedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/nar"
)

// Prefix begins each store path.
const Prefix = "/nix/store/"

// Part begins the names of what is not verified.
const Part = ".part-"

// whole is a store path. Source: src/libstore/path.cc of Nix.
var whole = regexp.MustCompile(`^/nix/store/[0-9abcdfghijklmnpqrsvwxyz]{32}-[0-9a-zA-Z+\-._?=]{1,211}$`)

// HashLen is how many characters of a name are the hash.
const HashLen = 32

// Check tells whether path is a store path, and not in one.
func Check(path string) error {
	if !whole.MatchString(path) {
		return fmt.Errorf("%q is no store path", path)
	}
	return nil
}

// Has tells whether a store path is in the folder store, verified.
func Has(store, path string) bool {
	_, err := os.Lstat(filepath.Join(store, filepath.Base(path)))
	return err == nil
}

// Begin makes room for a store path and is its temporary name, at which there is
// nothing.
func Begin(store, path string) (part string, err error) {
	if err := Check(path); err != nil {
		return "", err
	}
	part = filepath.Join(store, Part+filepath.Base(path))
	return part, nar.Remove(part)
}

// Keep gives what is verified its name, after it is on the disk: else the name
// could outlive what is in it when the power goes. It ends when the names are on
// the disk too.
func Keep(store string, paths ...string) error {
	if len(paths) == 0 {
		return nil
	}
	if err := onFolder(store, unix.Syncfs, "syncfs"); err != nil {
		return err
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if err := os.Rename(filepath.Join(store, Part+name), filepath.Join(store, name)); err != nil {
			return err
		}
	}
	return onFolder(store, unix.Fsync, "fsync")
}

// What may be lost when piwiz is killed: so much is verified and has no name.
const (
	waitingBytes = 16 << 20 // unpacked
	waitingTime  = 10 * time.Second
)

// Shelf keeps store paths, several at once: for each time the disk has to write
// down all that is new on it.
type Shelf struct {
	Store string

	mu    sync.Mutex
	paths []string
	bytes int64
	last  time.Time
}

// Put keeps a verified path of so many bytes, soon.
func (s *Shelf) Put(path string, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.paths) == 0 {
		s.last = time.Now()
	}
	s.paths, s.bytes = append(s.paths, path), s.bytes+bytes
	if s.bytes < waitingBytes && time.Since(s.last) < waitingTime {
		return nil
	}
	return s.keep()
}

// Close keeps what waits.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keep()
}

func (s *Shelf) keep() error {
	paths := s.paths
	s.paths, s.bytes = nil, 0
	return Keep(s.Store, paths...)
}

func onFolder(store string, do func(int) error, op string) error {
	f, err := os.Open(store)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := do(int(f.Fd())); err != nil {
		return &os.PathError{Op: op, Path: store, Err: err}
	}
	return nil
}

// Sweep removes what runs that were killed left unverified.
func Sweep(store string) error {
	entries, err := os.ReadDir(store)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), Part) {
			err = errors.Join(err, nar.Remove(filepath.Join(store, e.Name())))
		}
	}
	return err
}
