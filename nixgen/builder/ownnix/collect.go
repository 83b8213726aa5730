package ownnix

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/pins"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/nix"
)

// Status is what there is in the folder.
type Status struct {
	Dir      string
	Size     int64     // bytes on the disk
	Version  string    // of Nix, "" when it is not here
	Pinned   string    // version that this piwiz brings
	Since    time.Time // when Nix was fetched
	Emulator string    // name and version of the emulator, "" for none
	Hosts    []string  // whose images it keeps
	Refused  error     // why this computer does not let it run, nil when it does; with hints
	Outside  []string  // commands that take away what sudo put outside of the folder, if any
}

// Status says what there is. It changes nothing.
func (n Nix) Status(ctx context.Context) (Status, error) {
	s := Status{Dir: n.Dir, Refused: n.Allowed(ctx), Outside: allowed.Outside()}
	if ctx.Err() != nil {
		return Status{}, ctx.Err()
	}
	if pin, err := pins.This(); err == nil {
		s.Pinned = pin.Version
	}
	h, _ := n.here()
	s.Version, s.Since = h.Version, h.Since
	var e emulator
	if n.load("emulator.json", &e) == nil {
		s.Emulator = nix.StoreName(e.Path)
	}
	roots, err := os.ReadDir(n.at(hostRoots))
	for _, r := range roots {
		if _, missing := os.Stat(n.image(r.Name())); missing == nil {
			s.Hosts = append(s.Hosts, r.Name())
		}
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		s.Size, err = size(ctx, n.Dir)
	}
	if err != nil && ctx.Err() == nil {
		err = allowed.Unusable(err)
	}
	return s, err
}

// image is the result of a host's build, seen from outside; "" when there is none.
func (n Nix) image(host string) string {
	to, err := os.Readlink(filepath.Join(n.at(hostRoots), host))
	if err != nil {
		return ""
	}
	return n.outside(to)
}

// size is what a folder takes on the disk, in bytes. What goes meanwhile does
// not count.
func size(ctx context.Context, dir string) (sum int64, err error) {
	seen := map[uint64]bool{} // files with several names
	err = filepath.WalkDir(dir+"/", func(_ string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if st := info.Sys().(*syscall.Stat_t); !seen[st.Ino] {
			seen[st.Ino] = st.Nlink > 1
			sum += st.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// busy is how long gc and remove wait for others.
const busy = 2 * time.Second

// Collect deletes what neither the tools nor the images of the hosts in keep
// need, and says how many bytes that was.
func (n Nix) Collect(ctx context.Context, keep []string) (freed int64, err error) {
	if err := n.check(); err != nil {
		return 0, err
	}
	h, ok := n.here()
	if _, err := os.Stat(n.Dir); os.IsNotExist(err) {
		return 0, nil
	}
	if h.Path != "" || ok {
		if err := n.Allowed(ctx); err != nil {
			return 0, err
		}
	}
	lock, err := n.lock(ctx, unix.LOCK_EX, busy)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	before, err := size(ctx, n.Dir)
	if err == nil {
		err = n.sweep()
	}
	if err == nil {
		err = n.forget(keep)
	}
	if err != nil {
		return 0, allowed.Unusable(err)
	}
	if h.Path != "" {
		p, err := n.program(h)
		if err != nil {
			return 0, err
		}
		if _, err := p.run(ctx, nil, "nix-store", "--gc"); err != nil {
			return 0, n.broken(ctx, "delete what is no longer needed", err)
		}
	}
	after, err := size(ctx, n.Dir)
	if err != nil {
		return 0, allowed.Unusable(err)
	}
	return max(0, before-after), nil
}

// forget takes away what keeps the images of all but these hosts.
func (n Nix) forget(keep []string) error {
	roots, err := os.ReadDir(n.at(hostRoots))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, r := range roots {
		if err == nil && !slices.Contains(keep, r.Name()) {
			err = os.RemoveAll(filepath.Join(n.at(hostRoots), r.Name()))
		}
	}
	return err
}

// Remove deletes the folder. What is interrupted is no Nix any more, and the next
// one goes on.
func (n Nix) Remove(ctx context.Context) error {
	if err := n.check(); err != nil {
		return err
	}
	if _, err := os.Lstat(n.Dir); os.IsNotExist(err) {
		return nil
	}
	lock, err := n.lock(ctx, unix.LOCK_EX, busy)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := (durable.Disk{}).RemoveAll(n.at("piwiz/nix.json")); err != nil {
		return allowed.Unusable(err)
	}
	list, err := os.ReadDir(n.Dir)
	for _, e := range list {
		if err == nil && e.Name() != "piwiz" { // that one says whose folder it is
			err = ctx.Err()
			if err == nil {
				err = nar.Remove(n.at(e.Name()))
			}
		}
	}
	if err == nil {
		err = nar.Remove(n.at("piwiz"))
	}
	if err == nil {
		err = os.Remove(n.Dir) // a link to a folder too
	}
	if errors.Is(err, syscall.ENOTEMPTY) { // one who waited for the lock begins again
		err = nil
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return allowed.Unusable(err)
	}
	return nil
}
