package build

import (
	"errors"
	"regexp"
	"strings"

	"piwiz/nixgen/nix"
)

// diagnose makes an Error of what the watch saw.
func (w *watch) diagnose(r Request, err error) error {
	if errors.Is(err, nix.ErrNotFound) {
		return err // has its own hints
	}
	first := w.first()
	cause := first.Cause
	if cause == "" {
		cause = strings.TrimPrefix(first.Text, "error: ")
	}
	e := &Error{LogFile: r.LogFile, err: err, Why: strings.TrimSpace(cause)}
	if m := failedDrv.FindStringSubmatch(cause); m != nil {
		e.Derivation, e.LogTail = Name(m[1]), w.logs[m[1]]
	}
	said := cause + "\n" + first.Text + "\n" + strings.Join(e.LogTail, "\n")
	for _, k := range known {
		if containsAny(said, k.marks) {
			e.Headline, e.Page, e.hints = k.headline, k.page, k.hints
			return e
		}
	}
	switch {
	case e.Derivation != "":
		e.Headline = "Building " + e.Derivation + " failed."
		e.hints = []string{"Its last lines are shown; try once more, and if it fails again ask with them on https://discourse.nixos.org"}
		if r.LogFile != "" {
			e.hints = append(e.hints, "The whole log: less "+r.LogFile)
		}
	default:
		w.settings(e, r, first)
	}
	return e
}

// first is the first message that is a cause and no consequence.
func (w *watch) first() nix.Event {
	for _, e := range w.errors {
		if !containsAny(e.Text, consequences) {
			return e
		}
	}
	if len(w.errors) > 0 {
		return w.errors[0]
	}
	return nix.Event{Text: strings.Join(w.plain, "\n")} // nix gave up before its log began
}

// settings explains a mistake in the text of the flake, in the user's own
// file names.
func (w *watch) settings(e *Error, r Request, first nix.Event) {
	e.Page = "preview"
	e.Headline = "Nix cannot read the configuration."
	where := w.mine(r.Flake, first.File, first.Line)
	said := e.Why
	e.Why = w.translate(r.Flake, said)
	if m := noOption.FindStringSubmatch(said); m != nil {
		e.Headline = "The option " + m[1] + " does not exist."
		where = orElse(where, w.option(r.Flake, said, m[1]))
	} else if m := wrongType.FindStringSubmatch(said); m != nil {
		e.Headline = "The option " + m[1] + " has the wrong kind of value: it wants " + m[2] + "."
		where = orElse(where, w.option(r.Flake, said, m[1]))
	}
	if where != "" && !strings.Contains(e.Why, where) {
		e.Why = where + ": " + e.Why
	}
	switch {
	case strings.HasPrefix(where, r.Flake+"/configuration.nix"):
		e.hints = []string{"Put it right in " + where + " (on the preview page: press e), then build again."}
	case where != "":
		e.hints = []string{"The place is " + where + ". piwiz wrote that file: please report this."}
	default:
		e.hints = []string{"Look at configuration.nix on the preview page: what you added last is the first suspect."}
	}
}

var (
	failedDrv = regexp.MustCompile(`(?:builder for|Cannot build|building of|output path for|derivation) '([^']+\.drv)`)
	noOption  = regexp.MustCompile("The option [`']([^']+)' does not exist")
	wrongType = regexp.MustCompile("A definition for option [`']([^']+)' is not of type [`']([^']+)'")
)

// consequences are errors that follow from an earlier one, or are none.
var consequences = []string{
	"dependencies of derivation", "dependency failed", "dependencies failed",
	"error (ignored)", "warning:", "(use '--show-trace'", "interrupted by the user",
}

func containsAny(s string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(s, m) {
			return true
		}
	}
	return false
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
