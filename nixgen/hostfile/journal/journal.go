// Package journal changes a saved host as a whole or not at all.
//
// The new files are written into a folder beside the hosts (layout.Staging). One
// rename makes that the host's journal: from then on the change has happened, and
// whoever opens the store next, however this process ended, moves the files to
// their places (Finish). For a new host the renamed folder is the host itself.
//
// Rule: whoever changes a host holds the lock of the store.
package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/nixgen/durable"
	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/hostfile/layout"
)

const once = "once" // in the journal: files that are made only if there is none

// Part is one file of a host that is to be written.
type Part struct {
	Name string // relative to the host's folder
	Data []byte
	Mode fs.FileMode
	Once bool // only if there is none
}

// Hosts is a folder of hosts, and the disk that it is on.
type Hosts struct {
	Dir  string
	Disk durable.Disk
}

func (h Hosts) path(name string, elem ...string) string {
	return filepath.Join(append([]string{h.Dir, name}, elem...)...)
}

// Stage writes files into the staging folder of a host and syncs them.
func (h Hosts) Stage(name string, parts []Part) (string, error) {
	dir := filepath.Join(h.Dir, layout.Staging+name)
	if err := h.Disk.Wipe(dir); err != nil { // of a run that was killed
		return "", err
	}
	if err := h.Disk.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for _, p := range parts {
		path := filepath.Join(dir, p.Name)
		for _, folder := range folders(p.Name) {
			if err := h.Disk.Mkdir(filepath.Join(dir, folder), modeOf(folder)); err != nil {
				return dir, err
			}
		}
		if err := h.Disk.Write(path, p.Data, p.Mode); err != nil {
			return dir, err
		}
	}
	return dir, h.Disk.SyncTree(dir)
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

// Commit makes a change of a host happen, all of it.
func (h Hosts) Commit(name string, parts []Part) error {
	dir := h.path(name)
	_, err := os.Lstat(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if !fresh {
		for i, p := range parts {
			if p.Once {
				parts[i].Name = filepath.Join(once, p.Name)
			}
		}
	}
	staged, err := h.Stage(name, parts)
	if err == nil && fresh {
		err = h.Disk.Rename(staged, dir)
	} else if err == nil {
		err = h.Disk.Rename(staged, filepath.Join(dir, layout.Journal))
	}
	if err != nil {
		return errors.Join(err, h.Disk.Wipe(staged))
	}
	return h.Finish(name)
}

// Finish moves the files of a host's journal, if there is one, to their
// places. It can be cut short at any step and done again. host.toml is the
// last, so that its name tells a rename that did not happen: then the journal
// is of no use.
func (h Hosts) Finish(name string) error {
	dir := h.path(name, layout.Journal)
	if st, err := os.Lstat(dir); err != nil || !st.IsDir() {
		return nil
	}
	if about, _, err := answers.ReadSaved(filepath.Join(dir, "host.toml")); err == nil && about.Name != name {
		return h.Disk.Wipe(dir)
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
		if err := h.place(name, f); err != nil {
			return fmt.Errorf("finish saving %s: %w", name, err)
		}
	}
	return h.Disk.Wipe(dir)
}

func last(file string) int {
	if file == "host.toml" {
		return 1
	}
	return 0
}

// place moves one file of the journal to where it belongs.
func (h Hosts) place(name, file string) error {
	from := h.path(name, layout.Journal, file)
	file, only := strings.CutPrefix(file, once+"/")
	for _, folder := range folders(file) {
		if err := h.Disk.Mkdir(h.path(name, folder), modeOf(folder)); err != nil {
			return err
		}
	}
	if !only {
		return h.Disk.Rename(from, h.path(name, file))
	}
	if err := h.Disk.Link(from, h.path(name, file)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Differs tells whether a part is not on the disk as it is to be.
func (h Hosts) Differs(name string, p Part) bool {
	path := h.path(name, p.Name)
	st, err := os.Lstat(path)
	if p.Once {
		return errors.Is(err, fs.ErrNotExist)
	}
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm() != p.Mode {
		return true
	}
	old, err := layout.Read(path)
	return err != nil || string(old) != string(p.Data)
}
