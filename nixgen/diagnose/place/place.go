// Package place finds where in the user's own files a message of Nix points to.
//
// Nix copies a flake into its store and speaks of the copy; people know only
// their own folder. Source of the wordings: NixOS/nix src/libexpr, and
// lib/modules.nix of NixOS/nixpkgs.
package place

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

// generated are the files of a flake that piwiz writes. All others are the
// user's own.
var generated = []string{"flake.nix", "piwiz.nix"}

// Generated says whether piwiz wrote a file of the flake, named without its
// folder.
func Generated(name string) bool { return slices.Contains(generated, name) }

// Flake is the user's folder, and the copy that Nix made of it, "" when that is
// not known.
type Flake struct{ Dir, Copy string }

// Find is FILE:LINE in the user's flake, "" when the message names nothing in
// it. What Nix points at comes first, then the definitions that the module
// system lists, then the innermost step of the trace. Of these the user's own
// files come before generated ones, because only those are theirs to change;
// a trace leads through flake.nix always, so it never accuses a generated file.
func (f Flake) Find(e nix.Event, cause string) string {
	if where := f.mine(e.File, e.Line); where != "" {
		return where
	}
	if where := f.definition(cause); where != "" {
		return where
	}
	steps := traceStep.FindAllStringSubmatch(e.Text, -1)
	if strings.HasPrefix(e.Text, "error:\n") { // from 2.20 on the innermost is last
		slices.Reverse(steps)
	}
	for _, m := range steps {
		line, _ := strconv.Atoi(m[3])
		if where := f.mine(m[1]+"/"+m[2], line); where != "" && !Generated(m[2]) {
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
func (f Flake) definition(cause string) string {
	var files []string
	for _, m := range storeCopy.FindAllStringSubmatch(cause, -1) {
		own := f.own(m[1], m[2])
		if info, err := os.Stat(own); own == "" || err != nil || info.IsDir() {
			continue // a file that is missing is the mistake, not its place
		}
		if files = append(files, m[2]); !Generated(m[2]) {
			files = []string{m[2]}
			break
		}
	}
	if len(files) == 0 {
		return ""
	}
	file := filepath.Join(f.Dir, files[0])
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

// Translate names the user's own files where Nix names its copies.
func (f Flake) Translate(text string) string {
	return storeCopy.ReplaceAllStringFunc(text, func(path string) string {
		m := storeCopy.FindStringSubmatch(path)
		if own := f.own(m[1], m[2]); own != "" {
			return own
		}
		return path
	})
}

// own is the user's file for the copy dir/rel, "" when it is another flake's.
// Every flake has a flake.nix, so without the name of the copy that says
// nothing, and any other file must be there.
func (f Flake) own(dir, rel string) string {
	file := filepath.Join(f.Dir, rel)
	if f.Copy != "" {
		if f.Copy == dir {
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
func (f Flake) mine(file string, line int) string {
	m := storeCopy.FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	own := f.own(m[1], m[2])
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
