package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/journal"
	"piwiz/nixgen/hostfile/kept"
	"piwiz/nixgen/hostfile/layout"
)

// taken is the error for a name that another host has; it is fs.ErrExist.
type taken struct {
	name, path string
	fault.Todo
}

func (t *taken) Error() string {
	return fmt.Sprintf("a host %s already exists: %s", t.name, t.path)
}
func (t *taken) Is(target error) bool { return target == fs.ErrExist }

// free is an error when a host has this name, in capitals too.
func (s Store) free(name string) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the saved hosts: %w", err)
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), name) {
			return &taken{e.Name(), s.Path(e.Name()), fault.Todo{"Choose another name. `piwiz hosts` lists the saved hosts."}}
		}
	}
	return nil
}

// checkName is an error for what is no host name as it is written.
func checkName(name string) error {
	canonical, complaint := nixgen.CheckName(name)
	if complaint == "" && canonical != name {
		complaint = "Write it in lowercase: " + canonical
	}
	if complaint != "" {
		return fmt.Errorf("%q is not a valid host name: %s", name, complaint)
	}
	return nil
}

// Rename gives a host another name: its folder, host.toml and the flake, which
// render makes of the answers. The host keeps its key; the user's own file and
// known_hosts are as they were. The image, which has the old name in it, goes.
func (s Store) Rename(from, to string, render func(nixgen.Host) ([]nixgen.File, error)) error {
	if err := errors.Join(checkName(from), checkName(to)); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	h, err := s.load(from)
	if err != nil {
		return err
	}
	if err := errors.Join(h.Usable(inspect.NoPassword, inspect.NoKey), s.free(to)); err != nil {
		return err
	}
	if err := s.rename(h, to, render); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	return nil
}

func (s Store) rename(h Saved, to string, render func(nixgen.Host) ([]nixgen.File, error)) error {
	from := h.Host.Name
	h.Host.Name = to
	if err := s.rekey(&h); err != nil {
		return err
	}
	files, err := render(h.Host)
	if err != nil {
		return err
	}
	all, err := partsOf(h, files)
	if err != nil {
		return err
	}
	defer forget(all)
	var parts []journal.Part
	for _, p := range all {
		// The secrets are those of before, to the byte.
		if p.Name != layout.Wifi && p.Name != layout.Key && !p.Once {
			parts = append(parts, p)
		}
	}
	// While the folder has the old name, a journal about the new one counts
	// for nothing (package journal).
	staged, err := s.changes().Stage(from, parts)
	if err == nil {
		err = s.disk.Rename(staged, s.Path(from, layout.Journal))
	}
	if err == nil {
		err = s.dropImage(from) // before: nobody may ever flash it under the new name
	}
	if err != nil {
		return errors.Join(err, s.disk.Wipe(staged), s.disk.Wipe(s.Path(from, layout.Journal)))
	}
	if err := s.disk.Rename(s.Path(from), s.Path(to)); err != nil {
		return errors.Join(err, s.disk.Wipe(s.Path(from, layout.Journal)))
	}
	return s.finished(to)
}

// rekey writes the new name into the comment of the public key. The private
// file has the old one inside, where nobody reads it, and is left as it is.
func (s Store) rekey(h *Saved) error {
	line := h.Host.HostKey
	if !h.Identity.IsZero() {
		id, err := h.Identity.Named("root@" + h.Host.Name)
		if err != nil {
			return err
		}
		h.Identity, line = id, id.PublicLine()
	}
	h.Host.HostKey = line
	return nil
}

// made tells whether something in a host's folder comes out of a build, and is
// made again by the next one.
func made(name string) bool {
	return strings.HasPrefix(name, "result") || strings.HasPrefix(name, "build.log") || strings.HasPrefix(name, "build.jsonl")
}

// dropImage removes what the builds of a host left: the link that keeps the
// image in the Nix store, and a copy of the image.
func (s Store) dropImage(name string) error {
	entries, err := os.ReadDir(s.Path(name))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "result") {
			err = errors.Join(err, s.disk.RemoveAll(s.Path(name, e.Name())))
		}
	}
	return err
}

// Forget removes a host and all that was kept of it. Secrets are overwritten
// first, as well as that can be done (durable.Disk.Wipe). The host is gone at
// once, also where overwriting is cut short: what is left is named by List.
func (s Store) Forget(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	path := s.Path(name)
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return notSaved(name)
	case err != nil:
		return fmt.Errorf("forget %s: %w", name, err)
	case !st.IsDir():
		if err := inspect.Linked(s.Dir, name); err != nil {
			return err
		}
		_, problems := inspect.Host(s.Dir, name)
		return inspect.NewBroken(name, problems)
	}
	if err := s.forget(name); err != nil {
		return fmt.Errorf("forget %s: %w", name, err)
	}
	return nil
}

func (s Store) forget(name string) error {
	gone := filepath.Join(s.Dir, layout.Forgetting+name)
	if err := s.disk.Wipe(gone); err != nil { // of a run that was killed
		return err
	}
	if err := s.disk.Rename(s.Path(name), gone); err != nil {
		return err
	}
	if err := s.erase(name, gone); err != nil {
		return &fault.Error{
			Headline: name + " is no longer a saved host, but not all of it could be removed: " + err.Error(), Err: err,
			Todo: append(durable.Remedy(err, gone), "Then see what is left of it, which may be secrets: piwiz hosts"),
		}
	}
	return nil
}

// erase removes what is left of a host, its secrets first.
func (s Store) erase(name, gone string) error {
	// The flake and what was built hold no secret, and may be large.
	for _, secret := range []string{"secrets", layout.Journal} {
		if err := s.disk.Wipe(filepath.Join(gone, secret)); err != nil {
			return err
		}
	}
	err := errors.Join(s.disk.RemoveAll(gone), s.disk.RemoveAll(filepath.Dir(s.draft(name))), s.disk.Wipe(filepath.Join(s.Dir, layout.Staging+name)))
	replaced, _ := kept.All(s.replaced(name)) // none where there is no such folder
	for _, old := range replaced {
		err = errors.Join(err, s.disk.Wipe(old))
	}
	return errors.Join(err, s.disk.Sync(s.Dir))
}
