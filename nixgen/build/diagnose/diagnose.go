// Package diagnose finds out why nix build failed and what its user can do.
//
// Rules: the first cause wins, because later messages are only consequences;
// advice is only given for what the table of known failures names; of anything
// else the user sees Nix's own words. The wordings are those of Nix 2.8 to 2.35
// (NixOS/nix src/libstore, src/libutil) and of nixpkgs 25.05 to 26.11.
package diagnose

import (
	"regexp"
	"strings"

	"piwiz/nixgen/build/diagnose/place"
	"piwiz/nixgen/nix"
)

// Seen is what one run of Nix said.
type Seen struct {
	Flake string              // the user's folder, absolute
	Logs  map[string][]string // last lines of builders, by store path of the derivation
	Last  string              // derivation that a message without a name can only mean, "" when none

	source         string      // store copy of Flake, "" when unknown
	said           []nix.Event // errors, warnings and plain lines, oldest first
	errors, others int
}

// most is how many errors are kept, and how many other messages: the first
// cause is what counts, and warnings may come by the thousand.
const most = 256

// Note keeps a message if it can matter, in the order in which Nix speaks.
func (s *Seen) Note(e nix.Event) {
	if e.Action == nix.Msg && e.Level > nix.LevelWarn {
		// The first file that Nix evaluates is the user's own flake.
		if path, ok := strings.CutPrefix(e.Text, "evaluating file '"); ok && s.source == "" {
			if dir, ok := strings.CutSuffix(path, "/flake.nix'"); ok {
				s.source = dir
			}
		}
		return
	}
	n := &s.errors
	if harmless(e) {
		n = &s.others
	}
	if *n++; *n <= most {
		s.said = append(s.said, e)
	}
}

// Diagnosis is the first cause in words for people.
type Diagnosis struct {
	Name       string   // of the known failure, "" when it is unknown
	Headline   string   // one sentence
	Why        string   // what it means or, when that is unknown, what Nix said
	Do         []string // what to do, with the exact command; none when it would be a guess
	Page       string   // of the wizard that can put it right: preview check, or ""
	Derivation string   // store path of what failed to build, "" when nothing was being built
	LogTail    []string // its last lines
}

// Of explains what was seen.
func Of(s Seen) Diagnosis {
	e, at := s.first()
	cause := words(e)
	d := Diagnosis{Derivation: s.failed(cause)}
	d.LogTail = s.Logs[d.Derivation]
	said := statement{cause: cause, log: strings.Join(d.LogTail, "\n"), rest: s.rest(at)}
	here := place.Flake{Dir: s.Flake, Copy: s.source}
	for _, r := range known {
		match := r.match(said)
		if match == nil {
			continue
		}
		d.Name, d.Page = r.name, r.page
		d.Headline, d.Why = fill(r.headline, match), fill(r.why, match)
		for _, do := range r.do {
			d.Do = append(d.Do, fill(strings.ReplaceAll(do, "FLAKE", Shell(s.Flake)), match))
		}
		if r.verbatim {
			settle(&d, here, e, cause)
		}
		return d
	}
	switch {
	case d.Derivation != "":
		d.Why = here.Translate(cause)
		d.Headline = "Building " + nix.StoreName(d.Derivation) + " failed."
	case cause == "":
		d.Headline = "Nix stopped without saying why."
	default:
		d.Headline = "Nix cannot go on."
		settle(&d, here, e, cause)
	}
	return d
}

// report is said where only a change of piwiz helps.
const report = "Please report it where you got piwiz from, with the lines above. You need not change anything."

// settle explains a mistake in the text of the flake in the user's own file
// names.
func settle(d *Diagnosis, flake place.Flake, e nix.Event, cause string) {
	where := flake.Find(e, cause)
	words := flake.Translate(cause)
	if where != "" && !strings.Contains(words, where) {
		words = where + ": " + words
	}
	d.Why = strings.TrimPrefix(d.Why+"\n"+words, "\n")
	if where == "" {
		return
	}
	file, _, _ := strings.Cut(strings.TrimPrefix(where, flake.Dir+"/"), ":")
	if place.Generated(file) {
		d.Page, d.Do = "", []string{report}
		d.Why += "\npiwiz wrote " + file + ": this is a mistake of piwiz, not yours."
		return
	}
	if d.Name == "" {
		d.Headline = "Nix cannot work with " + file + "."
	}
	d.Page = "preview"
	d.Do = append([]string{"Put it right in " + where + " (on the preview page: press e), then build again."}, d.Do...)
}

// first is the first message that is a cause, and its place in s.said. Failing
// that, the first consequence.
func (s Seen) first() (nix.Event, int) {
	weak := -1
	for i, e := range s.said {
		text := words(e)
		switch {
		case harmless(e):
			if early(text) {
				return e, i
			}
		case !consequence.MatchString(text):
			return e, i
		case weak < 0:
			weak = i
		}
	}
	if weak < 0 {
		return nix.Event{}, -1
	}
	return s.said[weak], weak
}

// harmless messages do not end a build. Their level does not tell: a daemon
// passes warnings on as errors.
func harmless(e nix.Event) bool {
	text := e.Text
	return e.Action == nix.Plain && !strings.HasPrefix(text, "error:") ||
		e.Action == nix.Msg && e.Level > nix.LevelError ||
		strings.HasPrefix(text, "warning:") || strings.HasPrefix(text, "error (ignored)") ||
		strings.HasPrefix(text, "(use '--show-trace'") || strings.HasPrefix(text, "cannot build on '")
}

// consequence is what Nix says because something else has failed before.
var consequence = regexp.MustCompile(`(?m)^\d+ dependenc(?:y|ies) of derivation .* failed to build|^Reason: \d+ dependenc(?:y|ies) failed` +
	`|^Build failed due to failed dependency|^build of .* failed$|^some substitutes for the outputs of derivation` +
	`|is required, but there is no substituter that can build it|^don't know how to build these paths|^interrupted by the user`)

// words is the cause without its trace.
func words(e nix.Event) string {
	text := e.Cause
	if text == "" {
		text = e.Text
		if i := strings.LastIndex(text, "\n       error: "); i >= 0 { // behind the trace
			text = text[i+1:]
		}
		text = strings.TrimPrefix(strings.TrimSpace(text), "error: ")
	}
	return strings.TrimSpace(text)
}

// rest is everything that was said but the cause.
func (s Seen) rest(cause int) string {
	var b strings.Builder
	for i, e := range s.said {
		if i != cause {
			b.WriteString(e.Text + "\n")
		}
	}
	return b.String()
}

var failed = regexp.MustCompile(`(?:builder for|Cannot build|building of|output path for|required to build|derivation) ['"]([^'"^!]+\.drv)`)

func (s Seen) failed(cause string) string {
	if m := failed.FindStringSubmatch(cause); m != nil {
		return m[1]
	}
	if strings.HasPrefix(cause, "timed out after") { // Nix 2.34 names nothing
		return s.Last
	}
	return ""
}

// Shell quotes a path for a command that is shown.
func Shell(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
