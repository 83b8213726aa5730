package diagnose

import (
	"regexp"
	"strings"
)

var (
	quoted  = regexp.MustCompile(`^\s*> ?(.*)$`)
	heading = regexp.MustCompile(`^\s*[Ll]ast \d+ log lines?:$`)
	pointer = regexp.MustCompile(`^\s*For full logs, run:?(?: .*)?$|^\s*nix(?: --\S+ \S+)* log /nix/store/\S+$|^\s*nix-store (?:-l|--read-log) \S+$`)
)

// unquote takes the lines of the builder out of a message that quotes them, as
// Nix does where the lines were not sent. Source: NixOS/nix
// src/libstore/build/derivation-goal.cc.
func unquote(cause string) (words string, log []string) {
	var rest []string
	began := false
	for line := range strings.Lines(cause) {
		line = strings.TrimRight(line, "\n")
		switch m := quoted.FindStringSubmatch(line); {
		case heading.MatchString(line):
			began = true
		case began && m != nil:
			log = append(log, m[1])
		case pointer.MatchString(line), began && line == "…": // see ends
		default:
			rest = append(rest, line)
		}
	}
	return strings.TrimRight(strings.Join(rest, "\n"), "; \n"), log
}
