package build

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Error is a failed build: what went wrong first, and what to do. Page is the
// page of the wizard that can put it right.
type Error struct {
	Headline   string
	Todo       []string
	Derivation string
	LogTail    []string // the last lines of the derivation that failed
	LogFile    string
	Page       string
}

func (e *Error) Error() string {
	s := e.Headline
	if len(e.LogTail) > 0 {
		s += "\n" + strings.Join(e.LogTail, "\n")
	}
	return s
}

// Hints says what to do, and where the whole log is.
func (e *Error) Hints() []string {
	if e.LogFile == "" {
		return e.Todo
	}
	return append(e.Todo[:len(e.Todo):len(e.Todo)], "The whole log: "+e.LogFile)
}

// known is what a cause means. Sources: Nix, src/libstore and src/libexpr;
// nixpkgs, lib/modules.nix. Each text is a part that several versions share.
var known = []struct{ text, headline, todo, page string }{
	{"Exec format error", "This computer cannot run programs for the Pi.", "Set up emulation; the check page shows the command.", "check"},
	{"is required to build", "Nix was not allowed to build for the Pi.", "Put `extra-platforms = aarch64-linux` into /etc/nix/nix.conf and restart the daemon: sudo systemctl restart nix-daemon", "check"},
	{"platform mismatch", "Nix was not allowed to build for the Pi.", "Put `extra-platforms = aarch64-linux` into /etc/nix/nix.conf and restart the daemon: sudo systemctl restart nix-daemon", "check"},
	{"No space left on device", "The disk is full.", "Make room, for example with: nix-collect-garbage -d", "check"},
	{"cannot connect to socket", "The Nix daemon is not running.", "Run: sudo systemctl enable --now nix-daemon.socket nix-daemon", "check"},
	{"resolve host", "There is no network, or no name server.", "Check the network of this computer and build again.", "check"},
	{"unable to download", "A download failed.", "Check the network of this computer and build again; what is already there is kept.", "check"},
	{"signal 9", "A build step was killed: there was not enough memory.", "Close other programs and build again; what is already built is kept.", "check"},
}

var (
	builderFailed = regexp.MustCompile(`(?:builder for|Cannot build) ['"]([^'"]+\.drv)['"]`)
	consequence   = regexp.MustCompile(`dependenc(?:y|ies) (?:failed|of derivation)`)
	sourceFile    = regexp.MustCompile(`/nix/store/[a-z0-9]{32}-source/([A-Za-z0-9_.-]+\.nix)(?::(\d+))?`)
)

// failure turns what Nix said into an Error. The first cause wins: what comes
// later is its consequence.
func (w *watch) failure(exit error) error {
	e := &Error{LogFile: w.request.LogFile, Page: "preview"}
	cause, file := "", ""
	for i, c := range w.causes {
		if !consequence.MatchString(c) {
			cause, file = c, w.files[i]
			break
		}
	}
	if cause == "" {
		e.Headline = fmt.Sprintf("Nix stopped without saying why (%v).", exit)
		return e
	}
	all := cause
	if m := builderFailed.FindStringSubmatch(cause); m != nil {
		e.Derivation = name(m[1])
		e.LogTail = w.tails[m[1]]
		e.Headline = fmt.Sprintf("%s could not be built.", e.Derivation)
		e.Todo = []string{"Its last lines are above. If you did not change configuration.nix, try again; it may have been passing."}
		all += "\n" + strings.Join(e.LogTail, "\n")
	}
	for _, k := range known {
		if strings.Contains(all, k.text) {
			e.Headline, e.Todo, e.Page = k.headline, []string{k.todo}, k.page
			return e
		}
	}
	if e.Derivation == "" {
		w.place(e, cause, file)
	}
	return e
}

// place says in which of the host's files an evaluation failed; Nix names the
// copy in the store.
func (w *watch) place(e *Error, cause, file string) {
	e.Headline = firstLine(cause)
	for _, text := range []string{file, cause} {
		m := sourceFile.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		at := filepath.Join(w.request.Flake, m[1])
		if m[2] != "" {
			at += ":" + m[2]
		}
		if m[1] == "configuration.nix" {
			e.Todo = []string{"It is in your file: " + at + " (press e on the preview page to edit it)"}
		} else {
			e.Todo = []string{"It is in a file that piwiz wrote, so it is a fault of piwiz: " + at + ". Please report it with this text."}
		}
		return
	}
	e.Todo = []string{"Look for it in configuration.nix (press e on the preview page to edit it)."}
}
