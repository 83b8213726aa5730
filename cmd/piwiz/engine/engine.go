// Package engine is the story of piwiz, each step once: what this computer lacks,
// the saved hosts, planning and building an image, choosing, writing and releasing a
// card, waiting for the Pi and logging in.
//
// Its two faces, the wizard and the verbs, ask and show; what happens, in which
// order and with which checks, is here. So the rules are: no screen, no colour, no
// exit code; a question is a function or a returned error, never a prompt; progress
// goes to a report function, which is called on the worker and must be quick. What
// is refused for safety is *Refused, what this computer lacks is *Lacking; both
// carry hints of what to do.
package engine

import (
	"os"
	"sync"
	"sync/atomic"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/hostfile"
)

// Engine does the steps for one run of piwiz. Its methods may be called from any
// goroutine. Close it after Repair.
type Engine struct {
	Options
	Store   hostfile.Store
	Lasting bool // piwiz runs for long, so an emulator may be registered for as long

	emulator EmulatorGrant
	failing  atomic.Bool // a test build failed here, and something else can build

	mu      sync.Mutex
	chosen  builder.Builder // for this run, nil when it is to be chosen; see Choose
	fetch   *download       // of piwiz's own Nix, nil when none was begun
	sources places
}

// Options are the user's, for one run.
type Options struct {
	Builder  string   // where images are built, see builder.Choose; "" is what works
	NixDir   string   // where piwiz's own Nix is, "" is the usual folder
	Caches   []string // where it is fetched from, none for the usual ones
	Nixpkgs  string   // a flake to build from instead of the host's release, "" for none
	Soldered bool     // memory soldered into this computer is offered too
	AnyDisk  string   // a disk that is offered too, though it is no SD card; "" for none
}

// New is an engine over the saved hosts of this user.
func New() (*Engine, error) {
	store, err := hostfile.Default()
	if err != nil {
		return nil, err
	}
	return With(store), nil
}

// With is an engine over a folder of saved hosts.
func With(store hostfile.Store) *Engine {
	return &Engine{Store: store, emulator: EmulatorGrant{asker("emulation")}}
}

// Close ends a download, and takes back what was registered with Repair.
func (e *Engine) Close() error {
	e.stopFetching()
	return e.emulator.Close()
}

// Refused is an error about something that is not done, for safety.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// Lacking is an error about something that this computer lacks.
type Lacking struct{ Err error }

func (l *Lacking) Error() string { return l.Err.Error() }
func (l *Lacking) Unwrap() error { return l.Err }

// Self is the path of this program, which starts itself for some of its parts.
func Self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// errorsOf are problems as errors.
func errorsOf[P error](problems []P) []error {
	var out []error
	for _, x := range problems {
		out = append(out, x)
	}
	return out
}
