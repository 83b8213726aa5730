package builder

import (
	"errors"
	"slices"
	"strings"

	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/shell"
)

// What an error quotes must leave room for the log on a terminal of 80×24: of a
// builder so many rows, of Nix so many lines of an unknown error, none longer
// than two rows. The log has the whole.
const (
	shown  = 6
	quoted = 5
	row    = 76 // columns
)

// Error is why there is no image: the first cause, and where to fix it.
type Error struct {
	Known      string   // name of the failure in the table of package diagnose, "" when it is unknown
	Headline   string   // one sentence
	Why        string   // what it means, or what Nix said, with the user's own file names; may be several lines
	Derivation string   // that failed, "" when none was being built
	LogTail    []string // its last lines, at most 30
	LogFile    string   // whole log of the build, "" for none
	Page       string   // of the wizard that can fix it: preview check, or ""
	fault.Todo
	err error
}

// Error is the headline, the reason and, when nothing better is known, the last
// lines of what failed.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Headline)
	if e.Why != "" {
		text.WriteString("\n" + e.why())
	}
	if e.Known == "" && len(e.LogTail) > 0 {
		text.WriteString("\nIts last lines:")
		for _, line := range e.tail() {
			text.WriteString("\n  " + line)
		}
	}
	return text.String()
}

// why is short where it is only what Nix said: its first line, and its end.
func (e *Error) why() string {
	lines := strings.Split(e.Why, "\n")
	if e.Known != "" {
		return e.Why
	}
	if len(lines) > quoted {
		lines = slices.Concat(lines[:1], []string{"…"}, lines[len(lines)-(quoted-2):])
	}
	for i, line := range lines {
		lines[i] = cut(line, 2*row)
	}
	return strings.Join(lines, "\n")
}

// tail are the last lines of the builder, as many as there are rows for.
func (e *Error) tail() (lines []string) {
	rows := 0
	for _, line := range slices.Backward(e.LogTail) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		line = cut(line, 2*(row-2))
		if rows += 1 + len([]rune(line))/(row-1); rows > shown {
			break
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}

// cut leaves n characters of a line.
func cut(line string, n int) string {
	if r := []rune(line); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return line
}

// Unready is an error about what a builder fetches before it can build; nil stays
// nil.
func Unready(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Headline: "piwiz could not download its own Nix.", Why: err.Error(), Page: "check", err: err}
	if told, ok := errors.AsType[fault.Told](err); ok {
		e.Headline, e.Why, _ = strings.Cut(told.Error(), "\n")
		e.Todo = told.Hints()
	}
	return e
}

// Unwrap is the error below, nil when there is none.
func (e *Error) Unwrap() error { return e.err }

// explain makes an Error of what the watch saw.
func (r Request) explain(w *follow.Watch, err error) error {
	if known, ok := errors.AsType[fault.Told](err); ok {
		return known
	}
	seen := w.Seen()
	seen.Flake, seen.Nixpkgs, seen.Where = r.Flake, r.Nixpkgs, r.builder().Where()
	d := diagnose.Of(seen)
	e := &Error{
		Known: d.Name, Headline: d.Headline, Why: d.Why, Page: d.Page, Todo: d.Do,
		Derivation: nix.StoreName(d.Derivation), LogTail: d.LogTail, LogFile: r.LogFile, err: err,
	}
	if len(e.Todo) == 0 { // what to do is not known: where to look is
		if d.Derivation != "" && r.builder().Here() {
			e.Todo = append(e.Todo, "Its full log: nix-store --read-log "+d.Derivation)
		}
		if r.LogFile != "" {
			e.Todo = append(e.Todo, "The full log: less "+shell.Quote(r.LogFile))
		}
	}
	return e
}
