package build

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// storeCopy is a file of a flake that Nix copied into its store.
var storeCopy = regexp.MustCompile(`(/nix/store/[0-9a-z]{32}-source)/([^\s:'"` + "`" + `)]+)`)

// translate names the user's own files where Nix names its copies.
func (w *watch) translate(flake, text string) string {
	return storeCopy.ReplaceAllStringFunc(text, func(path string) string {
		m := storeCopy.FindStringSubmatch(path)
		if own := w.own(flake, m[1], m[2]); own != "" {
			return own
		}
		return path
	})
}

// own is the user's file for the copy dir/rel, "" when it is another flake's.
func (w *watch) own(flake, dir, rel string) string {
	if w.source != "" && dir != w.source {
		return ""
	}
	file := filepath.Join(flake, rel)
	if info, err := os.Stat(file); err != nil || info.IsDir() {
		return ""
	}
	return file
}

// mine is FILE:LINE in the user's flake, "" when the place is not there.
func (w *watch) mine(flake, file string, line int) string {
	m := storeCopy.FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	own := w.own(flake, m[1], m[2])
	if own == "" || line == 0 {
		return own
	}
	return fmt.Sprintf("%s:%d", own, line)
}

// option is where the user sets an option. The module system names only the
// file, so the line is the first that has the most of the option's name.
func (w *watch) option(flake, said, name string) string {
	for _, m := range storeCopy.FindAllStringSubmatch(said, -1) {
		own := w.own(flake, m[1], m[2])
		if own == "" {
			continue
		}
		text, err := os.ReadFile(own)
		if err != nil {
			return own
		}
		if line := lineOf(string(text), name); line > 0 {
			return fmt.Sprintf("%s:%d", own, line)
		}
		return own
	}
	return ""
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
