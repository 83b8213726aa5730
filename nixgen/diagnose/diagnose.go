// Package diagnose finds out why nix build failed and what its user can do.
//
// Rules: the first cause wins, because later messages are only consequences;
// advice is only given for what the table of known failures names, for the
// computer on which it happened; of anything else the user sees Nix's own words.
// An error of Nix has its cause beside the text, or begins with "error:";
// whatever else comes at the level of errors is a notice that a daemon passed
// on. A builder is believed only in its last words. The wordings are those of Nix 2.8 to 2.35
// (NixOS/nix src/libstore, src/libutil) and of nixpkgs 25.05 to 26.11.
package diagnose

import (
	"regexp"
	"slices"
	"strings"

	"piwiz/nixgen/diagnose/place"
	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/shell"
)

// Diagnosis is the first cause in words for people.
type Diagnosis struct {
	Name       string   // of the known failure, "" when it is unknown
	Headline   string   // one sentence
	Why        string   // what it means or, when that is unknown, what Nix said
	Do         []string // what to do, with the exact command; none when it would be a guess
	Page       string   // of the wizard that can fix it: preview check, or ""
	Derivation string   // store path of what failed to build, "" when nothing was being built
	LogTail    []string // its last lines
}

// Of explains what was seen.
func Of(s Seen) Diagnosis {
	e, at := s.first()
	cause, quoted := unquote(words(e))
	d := Diagnosis{Derivation: s.failed(cause)}
	there := elsewhere.FindStringSubmatch(strings.TrimPrefix(e.Text, "error: "))
	if there != nil {
		d.Derivation, s.speaker = there[1], Host(there[2])
	}
	d.LogTail = s.Logs[d.Derivation]
	if len(d.LogTail) == 0 {
		d.LogTail = quoted
	}
	if cause == "" { // a Nix that dies has no time for an error
		cause = s.lastPlain()
	}
	said := row.Statement{Cause: cause, Log: row.LastWords(d.LogTail), Rest: s.rest(at), There: there != nil, Flake: s.source, Where: s.Where}
	here := place.Flake{Dir: s.Flake, Copy: s.source}
	for _, r := range known {
		match, log := r.Match(said)
		if match == nil {
			continue
		}
		w := s.words(&r, d.Derivation, log)
		d.Name, d.Page = r.Name, r.Page
		d.Headline, d.Why = fill(w.Headline, match), fill(w.Why, match)
		for _, do := range w.Do {
			d.Do = append(d.Do, fill(strings.ReplaceAll(do, "FLAKE", shell.Quote(s.Flake)), match))
		}
		if r.Verbatim {
			s.settle(&d, here, e, cause)
		}
		return d
	}
	if at < 0 {
		cause = ""
	}
	switch {
	case d.Derivation != "":
		d.Why, _, _ = strings.Cut(here.Translate(cause), "\nOutput paths:")
		d.Headline = "Building " + nix.StoreName(d.Derivation) + " failed."
	case cause == "":
		d.Headline = "Nix stopped without saying why."
	default:
		d.Headline = "Nix cannot continue."
		s.settle(&d, here, e, cause)
	}
	return d
}

// report is said where only a change of piwiz helps.
const report = "Report it where you got piwiz from, with the lines above. You need not change anything."

// settle explains a mistake in the text of the flake in the user's own file
// names.
func (s Seen) settle(d *Diagnosis, flake place.Flake, e nix.Event, cause string) {
	where := flake.Find(e, cause)
	words := flake.Translate(cause)
	if where != "" && !strings.Contains(words, where) {
		words = where + ": " + words
	}
	d.Why = strings.TrimPrefix(d.Why+"\n"+words, "\n")
	release := s.Nixpkgs != "" && ofAnotherRelease[d.Name]
	if where == "" {
		if release {
			d.Do = append([]string{otherRelease}, d.Do...)
		}
		return
	}
	file, _, _ := strings.Cut(strings.TrimPrefix(where, flake.Dir+"/"), ":")
	if place.Generated(file) && release {
		d.Page, d.Do = "", []string{otherRelease}
		d.Why += "\npiwiz wrote " + file + " for the NixOS that it pins, not for the one of --nixpkgs."
		return
	}
	if place.Generated(file) {
		d.Page, d.Do = "", []string{report}
		d.Why += "\npiwiz wrote " + file + ": this is a mistake of piwiz, not yours."
		return
	}
	if d.Name == "" {
		d.Headline = "Nix cannot work with " + file + "."
	}
	d.Page = "preview"
	d.Do = append([]string{"Fix it in " + where + " (on the preview page: press e), then build again."}, d.Do...)
	if release {
		d.Do = append([]string{otherRelease}, d.Do...)
	}
}

// ofAnotherRelease are the mistakes that are none in another release of NixOS.
var ofAnotherRelease = map[string]bool{
	"no-option": true, "wrong-type": true, "gone": true, "missing-attribute": true, "no-value": true, "declared-twice": true,
	"file-missing": true, "arguments": true, "assertion": true, "no-host": true, "broken": true, "parent-option": true,
}

const otherRelease = "--nixpkgs names another release of NixOS, which may not know this: build without --nixpkgs."

// first is the first message that is a cause, and its place in s.said. Failing
// that, the first consequence.
func (s Seen) first() (nix.Event, int) {
	weak, given := -1, map[string]bool{}
	for i, e := range s.said {
		text := words(e)
		if m := givenUp.FindStringSubmatch(text); m != nil {
			given[m[1]] = true
		}
		switch {
		case harmless(e):
			if early(text) {
				return e, i
			}
		case !consequence.MatchString(text) && !given[s.failed(text)]:
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
	return e.Cause == "" && !strings.HasPrefix(text, "error:") ||
		e.Action == nix.Msg && e.Level > nix.LevelError ||
		strings.HasPrefix(text, "warning:") || strings.HasPrefix(text, "error (ignored)") || strings.HasPrefix(text, "error: (ignored)")
}

// Cause says whether a message is an error, and not a notice or a warning that
// a daemon passed on at that level.
func Cause(e nix.Event) bool { return !harmless(e) }

// consequence is what Nix says because something else has failed before, or
// before it goes on with something else. It is the cause when there is no other.
var consequence = regexp.MustCompile(`(?m)^\d+ dependenc(?:y|ies) of derivation .* failed to build|^Reason: \d+ dependenc(?:y|ies) failed` +
	`|^Build failed due to failed dependency|^build of .* failed$|^some substitutes for the outputs of derivation` +
	`|is required, but there is no substituter that can build it|^don't know how to build these paths|^interrupted by the user` +
	// Of a cache: Nix then asks the next one or, where it may, builds the path.
	`|^file '[^']+' does not exist in binary cache|^hash mismatch importing path|(?i:^failed to (?:open|read|extract) (?:archive|compressed data))` +
	`|^unable to download '[^']+(?:\.narinfo|/nix-cache-info|/nar/[^']+)'`)

// givenUp is a step that was to come from a cache: whoever should have built it
// says after that only that it failed.
var givenUp = regexp.MustCompile(`^some substitutes for the outputs of derivation '([^']+)' failed`)

// words is the cause without its trace.
func words(e nix.Event) string {
	text := e.Cause
	if text == "" {
		text = e.Text
		if i := strings.LastIndex(text, "\n       error: "); i >= 0 { // behind the trace
			text = text[i+1:]
		}
		text = strings.TrimPrefix(strings.TrimSpace(text), "error: ")
		text = strings.ReplaceAll(text, "\n       ", "\n") // as far as it is set in below "error: "
	}
	text = strings.TrimSpace(text)
	return text[len(elsewhere.FindString(text)):]
}

// elsewhere is what Nix puts before what another computer said when it was to
// build. Source: NixOS/nix src/libstore/build/derivation-goal.cc, remote-store.cc.
var elsewhere = regexp.MustCompile(`^build of '([^']+\.drv)' on '([^']+)' failed: (?:error: )?`)

// lastPlain is the last line that was no event of Nix.
func (s Seen) lastPlain() string {
	for _, e := range slices.Backward(s.said) {
		if e.Action == nix.Plain {
			return e.Text
		}
	}
	return ""
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

var failed = regexp.MustCompile(`(?:builder for|Cannot build|building of|build of|output path for|required to build|derivation) ['"]([^'"^!]+\.drv)`)

func (s Seen) failed(cause string) string {
	if m := failed.FindStringSubmatch(cause); m != nil {
		return m[1]
	}
	if strings.HasPrefix(cause, "timed out after") { // Nix 2.34 names nothing
		return s.Last
	}
	return ""
}
