// Package ownnix brings a Nix of piwiz's own: out of a binary cache, into one
// folder, run in a namespace of its own. Nothing is installed, and no
// administrator is needed where the kernel allows it.
//
// Rules: what is allowed is tried each time, in a child, by the steps of the
// build itself, and never concluded from a version or remembered. No security
// setting is gone around, and none is switched off for the whole computer. The
// sandbox of Nix is on, and a build fails before it runs without. Nothing of the
// computer's own Nix is read: no nix.conf, no registry, no netrc. ssh never runs
// in there.
package ownnix

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/pins"
	"piwiz/nixgen/xdg"
)

// Nix is piwiz's own Nix in a folder.
type Nix struct {
	Dir    string   // absolute; it becomes /nix, and its last element is nix
	Caches []string // to fetch from instead of the pinned ones: https, http or file URLs
}

// Folder is where piwiz's own Nix is if nothing else is said:
// $XDG_DATA_HOME/piwiz/nix. Not in the folder for caches: what cleans those
// would leave a store with holes.
func Folder() (string, error) {
	data, err := xdg.Data()
	if err != nil {
		return "", err
	}
	return filepath.Join(data, "piwiz/nix"), nil
}

// Inside is for main to call before anything else: it does what piwiz starts
// itself again for, and then does not return. Otherwise it returns at once.
func Inside() { allowed.Inside() }

// here is the Nix that was fetched.
type here struct {
	Version string
	Path    string // store path
	CACert  string // file, as it is called inside; "" for none
	Since   time.Time
}

func (n Nix) folder() folder.Dir { return folder.Dir(n.Dir) }

// Ready says whether the Nix that this piwiz brings is here whole, and which
// version it is.
func (n Nix) Ready() (version string, ok bool) {
	h, ok := n.here()
	return h.Version, ok
}

func (n Nix) here() (h here, ok bool) {
	if n.folder().Load(folder.Fetched, &h) != nil {
		return here{}, false
	}
	if pin, err := pins.This(); err == nil && pin.Path != h.Path {
		return h, false
	}
	_, err := os.Stat(n.folder().Outside(h.Path))
	return h, err == nil
}

// Allowed tries in a child, which then ends, all that a build will do, and says
// why that does not work here: a *fault.Error. It changes nothing. The answer is
// for now: ask again before each use.
func (n Nix) Allowed(ctx context.Context) error {
	_, err := n.allowed(ctx)
	return err
}

func (n Nix) allowed(ctx context.Context) (table bool, err error) {
	if err := n.folder().Check(); err != nil {
		return false, err
	}
	return allowed.In(ctx, n.Dir)
}
