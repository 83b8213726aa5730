package ownnix

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/pins"
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
	if n.folder().Load(folder.Emulator, &e) == nil {
		s.Emulator = nix.StoreName(e.Path)
	}
	var err error
	if s.Hosts, err = n.Hosts(); err == nil {
		s.Size, err = n.Used(ctx)
	}
	return s, err
}

// Hosts are those whose images it keeps.
func (n Nix) Hosts() ([]string, error) {
	hosts, err := n.folder().Hosts()
	if err != nil {
		err = folder.Unusable(err)
	}
	return hosts, err
}

// Used is what the folder takes on the disk, in bytes. It reads the whole folder.
func (n Nix) Used(ctx context.Context) (int64, error) {
	size, err := n.folder().Size(ctx)
	if err != nil && ctx.Err() == nil {
		err = folder.Unusable(err)
	}
	return size, err
}

// Collect deletes what neither the tools nor the images of the hosts in keep
// need, and says how many bytes that was.
func (n Nix) Collect(ctx context.Context, keep []string) (freed int64, err error) {
	if err := n.folder().Check(); err != nil {
		return 0, err
	}
	h, _ := n.here()
	if _, err := os.Stat(n.Dir); os.IsNotExist(err) {
		return 0, nil
	}
	if h.Path != "" {
		if err := n.Allowed(ctx); err != nil {
			return 0, err
		}
	}
	lock, err := n.folder().Lock(ctx, unix.LOCK_EX, folder.Busy)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	before, err := n.folder().Size(ctx)
	if err == nil {
		err = n.folder().Sweep()
	}
	if err == nil {
		err = n.folder().Forget(keep)
	}
	if err != nil {
		return 0, folder.Unusable(err)
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
	after, err := n.folder().Size(ctx)
	if err != nil {
		return 0, folder.Unusable(err)
	}
	return max(0, before-after), nil
}

// Remove deletes the folder. What is interrupted is no Nix any more, and the next
// one goes on.
func (n Nix) Remove(ctx context.Context) error { return n.folder().Remove(ctx) }
