// Package ownnix brings a Nix of piwiz's own: out of a binary cache, into one
// folder, run in a namespace of its own. Nothing is installed, and no
// administrator is needed where the kernel allows it.
package ownnix

import (
	"context"
	"errors"
	"time"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/follow"
)

var errUnfinished = errors.New("not finished")

// Nix is piwiz's own Nix in a folder.
type Nix struct {
	Dir    string   // absolute; it becomes /nix, and its last element is nix
	Caches []string // to fetch from instead of the pinned ones: https, http or file URLs
}

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

// Folder is where piwiz's own Nix is if nothing else is said:
// $XDG_DATA_HOME/piwiz/nix.
func Folder() (string, error) { return "", errUnfinished }

// Allowed tries in a child, which then ends, all that a build will do, and says
// why that does not work here: a *fault.Error. It changes nothing. The answer is
// for now: ask again before each use.
func (n Nix) Allowed(ctx context.Context) error { return errUnfinished }

// Ready says whether Nix is here whole, and which version.
func (n Nix) Ready() (version string, ok bool) { return "", false }

// Size is how much is yet to be fetched, in bytes: compressed and on the disk.
func (n Nix) Size(ctx context.Context) (download, unpacked int64, err error) {
	return 0, 0, errUnfinished
}

// Fetch fetches and registers what is missing. It does nothing when Nix is
// ready. Of several at once one fetches and the others wait for it. report may
// be nil.
func (n Nix) Fetch(ctx context.Context, report func(nixcache.Progress)) error { return errUnfinished }

// Status says what there is. It changes nothing.
func (n Nix) Status(ctx context.Context) (Status, error) { return Status{}, errUnfinished }

// Collect deletes what neither the tools nor the images of the hosts in keep
// need, and says how many bytes that was.
func (n Nix) Collect(ctx context.Context, keep []string) (freed int64, err error) {
	return 0, errUnfinished
}

// Remove deletes the folder.
func (n Nix) Remove(ctx context.Context) error { return errUnfinished }

// Builder is that Nix, as a builder.Builder.
type Builder struct {
	Nix Nix
	Why string // there: part of a sentence
}

// Find verifies that n may run here. What is missing is fetched by Build, if
// nobody does it before.
func Find(ctx context.Context, n Nix, why string) (*Builder, error) {
	return nil, errUnfinished
}

// String says where the image is built, and why there.
func (b *Builder) String() string { return "" }

// Here is false: the Nix of this computer has no part in it.
func (b *Builder) Here() bool { return false }

// Where is that for the explanation of a failure.
func (b *Builder) Where() diagnose.Where { return diagnose.Where{} }

// Build lets that Nix build.
func (b *Builder) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	return errUnfinished
}

// Inside is for main to call before anything else: it does what piwiz starts
// itself again for, and then does not return. Otherwise it returns at once.
func Inside() { namespace.Inside() }
