package diagnose

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"piwiz/nixgen/nix"
)

// report is said where only a change of piwiz helps.
const report = "Please report it where you got piwiz from, with the lines above. You need not change anything."

// generated are the files of a flake that piwiz writes. All others are the
// user's own.
var generated = []string{"flake.nix", "piwiz.nix"}

// place knows the user's flake and the copy that Nix made of it.
type place struct{ flake, source string }

// settings explains a mistake in the text of the flake in the user's own file
// names.
func (p place) settings(d *Diagnosis, e nix.Event, cause string) {
	where := p.find(e, cause)
	words := p.translate(cause)
	if where != "" && !strings.Contains(words, where) {
		words = where + ": " + words
	}
	d.Why = strings.TrimPrefix(d.Why+"\n"+words, "\n")
	if where == "" {
		return
	}
	file, _, _ := strings.Cut(strings.TrimPrefix(where, p.flake+"/"), ":")
	if slices.Contains(generated, file) {
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

// find is FILE:LINE in the user's flake, "" when the message names nothing in
// it. What Nix points at comes first, then the definitions that the module
// system lists, then the innermost step of the trace. Of these the user's own
// files come before generated ones, because only those are theirs to change;
// a trace leads through flake.nix always, so it never accuses a generated file.
func (p place) find(e nix.Event, cause string) string {
	if where := p.mine(e.File, e.Line); where != "" {
		return where
	}
	if where := p.definition(cause); where != "" {
		return where
	}
	steps := traceStep.FindAllStringSubmatch(e.Text, -1)
	if strings.HasPrefix(e.Text, "error:\n") { // from 2.20 on the innermost is last
		slices.Reverse(steps)
	}
	for _, m := range steps {
		line, _ := strconv.Atoi(m[3])
		if where := p.mine(m[1]+"/"+m[2], line); where != "" && !slices.Contains(generated, m[2]) {
			return where
		}
	}
	return ""
}

var (
	// storeCopy is a file of a flake that Nix copied into its store.
	storeCopy = regexp.MustCompile(`(/nix/store/[0-9a-z]{32}-source)/([^\s:'"` + "`" + `)]+)`)
	traceStep = regexp.MustCompile(`at (/nix/store/[0-9a-z]{32}-source)/([^\s:]+):(\d+)`)
	optionOf  = regexp.MustCompile("[Oo]ption(?: definition)? [`']([^`']+)'")
)

// definition is where the user gives an option its value. The module system
// names only the file, so the line is the first that has the most of the
// option's name.
func (p place) definition(cause string) string {
	var files []string
	for _, m := range storeCopy.FindAllStringSubmatch(cause, -1) {
		own := p.own(m[1], m[2])
		if info, err := os.Stat(own); own == "" || err != nil || info.IsDir() {
			continue // a file that is missing is the mistake, not its place
		}
		if files = append(files, m[2]); !slices.Contains(generated, m[2]) {
			files = []string{m[2]}
			break
		}
	}
	if len(files) == 0 {
		return ""
	}
	file := filepath.Join(p.flake, files[0])
	m := optionOf.FindStringSubmatch(cause)
	text, err := os.ReadFile(file)
	if m == nil || err != nil {
		return file
	}
	if line := lineOf(string(text), m[1]); line > 0 {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return file
}

// translate names the user's own files where Nix names its copies.
func (p place) translate(text string) string {
	return storeCopy.ReplaceAllStringFunc(text, func(path string) string {
		m := storeCopy.FindStringSubmatch(path)
		if own := p.own(m[1], m[2]); own != "" {
			return own
		}
		return path
	})
}

// own is the user's file for the copy dir/rel, "" when it is another flake's.
// Every flake has a flake.nix, so without the name of the copy that says
// nothing, and any other file must be there.
func (p place) own(dir, rel string) string {
	file := filepath.Join(p.flake, rel)
	if p.source != "" {
		if p.source == dir {
			return file
		}
		return ""
	}
	if info, err := os.Stat(file); err != nil || info.IsDir() || rel == "flake.nix" {
		return ""
	}
	return file
}

// mine is FILE:LINE in the user's flake, "" when the place is not there.
func (p place) mine(file string, line int) string {
	m := storeCopy.FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	own := p.own(m[1], m[2])
	if own == "" || line == 0 {
		return own
	}
	return fmt.Sprintf("%s:%d", own, line)
}

// lineOf is the number of the first line that sets name or, failing that, the
// longest end of it: "services.avahi.x" may stand as "avahi.x" or "x" inside
// a set. 0 when there is none.
func lineOf(text, name string) int {
	for name != "" {
		word := regexp.MustCompile(`(^|[\s{;.])` + regexp.QuoteMeta(name) + `($|[\s=.;}])`)
		n := 0
		for line := range strings.Lines(text) {
			n++
			code, _, _ := strings.Cut(line, "#")
			if word.MatchString(code) {
				return n
			}
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return 0
}
