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
//
// The folder, which becomes /nix and whose last element is nix:
//
//	store, var             Nix's own
//	var/nix/gcroots/piwiz  a link for each host, to its image
//	var/nix/gcroots/tools  links to Nix, its certificates and the emulator
//	var/nix/builds         where builds put their files
//	piwiz/lock             flock: shared by builds; exclusive for whoever fetches or deletes
//	piwiz/nix.json         what was fetched; written last, so that there is all or nothing
//	piwiz/emulator.json    likewise
//	.root, .try-…          mount points, empty outside of the namespace
//
// A folder without piwiz in it is somebody else's: nothing is put there unless
// it is empty, and nothing is deleted.
package ownnix

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"piwiz/nixgen/builder/ownnix/allowed"
	"piwiz/nixgen/builder/ownnix/pins"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
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

const (
	hostRoots = "var/nix/gcroots/piwiz"
	toolRoots = "var/nix/gcroots/tools"
)

func (n Nix) at(name string) string { return filepath.Join(n.Dir, name) }

// outside is where a path of /nix is outside of the namespace.
func (n Nix) outside(path string) string { return filepath.Join(filepath.Dir(n.Dir), path) }

// Ready says whether the Nix that this piwiz brings is here whole, and which
// version it is.
func (n Nix) Ready() (version string, ok bool) {
	h, ok := n.here()
	return h.Version, ok
}

func (n Nix) here() (h here, ok bool) {
	if n.load("nix.json", &h) != nil {
		return here{}, false
	}
	if pin, err := pins.This(); err == nil && pin.Path != h.Path {
		return h, false
	}
	_, err := os.Stat(n.outside(h.Path))
	return h, err == nil
}

// load reads what keep wrote.
func (n Nix) load(name string, into any) error {
	text, err := os.ReadFile(n.at("piwiz/" + name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (n Nix) keep(name string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return durable.Replace(n.at("piwiz/"+name), append(text, '\n'), 0o644)
}

// root keeps a store path from garbage collection.
func (n Nix) root(name, path string) error {
	if err := os.MkdirAll(n.at(toolRoots), 0o755); err != nil {
		return err
	}
	return link(path, filepath.Join(n.at(toolRoots), name))
}

// link makes a symbolic link in the place of one that is there.
func link(to, at string) error {
	part := at + ".new"
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Symlink(to, part); err != nil {
		return err
	}
	return os.Rename(part, at)
}

// Allowed tries in a child, which then ends, all that a build will do, and says
// why that does not work here: a *fault.Error. It changes nothing. The answer is
// for now: ask again before each use.
func (n Nix) Allowed(ctx context.Context) error {
	_, err := n.allowed(ctx)
	return err
}

func (n Nix) allowed(ctx context.Context) (table bool, err error) {
	if err := n.check(); err != nil {
		return false, err
	}
	return allowed.In(ctx, n.Dir)
}

// check wants a folder that is piwiz's own, or could become it.
func (n Nix) check() error {
	if !filepath.IsAbs(n.Dir) || filepath.Base(n.Dir) != "nix" {
		return fmt.Errorf("the folder of piwiz's own Nix is %q: it must be absolute and end in nix", n.Dir)
	}
	list, err := os.ReadDir(n.Dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return allowed.Unusable(err)
	}
	for _, e := range list {
		if e.Name() == "piwiz" {
			return nil
		}
	}
	for _, e := range list {
		if ok, _ := filepath.Match(allowed.Temporary+"*", e.Name()); !ok {
			return &fault.Error{
				Headline: n.Dir + " is not a folder of piwiz's: it has " + e.Name() + ".",
				Why:      "piwiz deletes what it no longer needs in its own folder, so it takes only a new or an empty one.",
				Todo:     fault.Todo{"Choose another folder: --own-nix-dir FOLDER"},
			}
		}
	}
	return nil
}
