package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/hostfile/layout"
)

// How a host changes: as a whole or not at all. The new files are written into
// a folder beside the hosts (layout.Staging). One rename makes that the host's
// journal: from then on the change has happened, and whoever opens the store
// next, however this process ended, moves the files to their places (finish).
// For a new host the renamed folder is the host itself.
const once = "once" // in the journal: files that are made only if there is none

// part is one file of a host that is to be written.
type part struct {
	name string // relative to the host's folder
	data []byte
	mode fs.FileMode
	once bool
}

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

// stage writes files into the staging folder of a host and syncs them.
func (s Store) stage(name string, parts []part) (string, error) {
	dir := filepath.Join(s.Dir, layout.Staging+name)
	if err := s.disk.Wipe(dir); err != nil { // of a run that was killed
		return "", err
	}
	if err := s.disk.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for _, p := range parts {
		path := filepath.Join(dir, p.name)
		for _, folder := range folders(p.name) {
			if err := s.disk.Mkdir(filepath.Join(dir, folder), modeOf(folder)); err != nil {
				return dir, err
			}
		}
		if err := s.disk.Write(path, p.data, p.mode); err != nil {
			return dir, err
		}
	}
	return dir, s.disk.SyncTree(dir)
}

// folders are those a file is in, the outermost first.
func folders(name string) []string {
	var out []string
	for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
		out = append(out, dir)
	}
	slices.Reverse(out)
	return out
}

// modeOf is the mode a folder of a host is made with. Nix copies the flake for
// everybody to read; all else is the user's.
func modeOf(folder string) fs.FileMode {
	if folder == "flake" || strings.HasPrefix(folder, "flake/") {
		return 0o755
	}
	return 0o700
}

// commit makes a change of a host happen, all of it.
func (s Store) commit(name string, parts []part) error {
	dir := s.Path(name)
	_, err := os.Lstat(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if !fresh {
		for i, p := range parts {
			if p.once {
				parts[i].name = filepath.Join(once, p.name)
			}
		}
	}
	staged, err := s.stage(name, parts)
	if err == nil && fresh {
		err = s.disk.Rename(staged, dir)
	} else if err == nil {
		err = s.disk.Rename(staged, filepath.Join(dir, layout.Journal))
	}
	if err != nil {
		return errors.Join(err, s.disk.Wipe(staged))
	}
	return s.finish(name)
}

// finish moves the files of a host's journal, if there is one, to their
// places. It can be cut short at any step and done again. host.toml is the
// last, so that its name tells a rename that did not happen: then the journal
// is of no use.
func (s Store) finish(name string) error {
	dir := s.Path(name, layout.Journal)
	if st, err := os.Lstat(dir); err != nil || !st.IsDir() {
		return nil
	}
	if about, _, err := answers.ReadSaved(filepath.Join(dir, "host.toml")); err == nil && about.Name != name {
		return s.disk.Wipe(dir)
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(files, func(a, b string) int { return last(a) - last(b) })
	for _, f := range files {
		if err := s.place(name, f); err != nil {
			return fmt.Errorf("finish saving %s: %w", name, err)
		}
	}
	return s.disk.Wipe(dir)
}

func last(file string) int {
	if file == "host.toml" {
		return 1
	}
	return 0
}

// place moves one file of the journal to where it belongs.
func (s Store) place(name, file string) error {
	from := s.Path(name, layout.Journal, file)
	file, only := strings.CutPrefix(file, once+"/")
	for _, folder := range folders(file) {
		if err := s.disk.Mkdir(s.Path(name, folder), modeOf(folder)); err != nil {
			return err
		}
	}
	if !only {
		return s.disk.Rename(from, s.Path(name, file))
	}
	if err := s.disk.Link(from, s.Path(name, file)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// differs tells whether a part is not on the disk as it is to be.
func (s Store) differs(name string, p part) bool {
	path := s.Path(name, p.name)
	st, err := os.Lstat(path)
	if p.once {
		return errors.Is(err, fs.ErrNotExist)
	}
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm() != p.mode {
		return true
	}
	old, err := layout.Read(path)
	return err != nil || string(old) != string(p.data)
}
