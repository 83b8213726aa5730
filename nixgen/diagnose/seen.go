package diagnose

import (
	"slices"
	"strings"

	"piwiz/nixgen/nix"
)

// Bounds of what is kept. Of causes the first ones count. Of notices the first
// and the last do: a warning may come by the thousand. Of a text its two ends
// do, where the message and the innermost step of its trace are.
const (
	most     = 64
	mostText = 64 << 10 // bytes of a message
	mostLine = 4 << 10  // bytes of a notice
)

// Seen is what one run of Nix said.
type Seen struct {
	Flake    string              // the user's folder, absolute
	Nixpkgs  string              // what was taken instead of the pinned nixpkgs, "" for nothing
	Where    Where               // it ran
	Logs     map[string][]string // last lines of builders, by store path of the derivation
	Machines map[string]string   // where they ran, as the URL of a store, when not here
	Last     string              // derivation that a message without a name can only mean, "" when none

	source  string      // store copy of Flake, "" when unknown
	speaker string      // other computer that said the cause, "" for this one
	said    []nix.Event // errors, warnings and plain lines, oldest first
	notices []int       // places in said of what is no cause
	causes  int         // how many were said
	follow  int         // and how many consequences
}

// Note keeps a message if it can matter, in the order in which Nix speaks.
func (s *Seen) Note(e nix.Event) {
	if e.Action == nix.Msg && e.Level > nix.LevelWarn {
		// The first file that Nix evaluates is the user's own flake.
		if path, ok := strings.CutPrefix(e.Text, "evaluating file '"); ok && s.source == "" {
			if dir, ok := strings.CutSuffix(path, "/flake.nix'"); ok {
				s.source = strings.Clone(dir)
			}
		}
		return
	}
	e.Text, e.Cause = ends(e.Text, mostText), ends(e.Cause, mostText)
	switch {
	case harmless(e) && !early(e.Text):
		e.Text, e.Cause = ends(e.Text, mostLine), ends(e.Cause, mostLine)
		if s.notices = append(s.notices, len(s.said)); len(s.notices) > 2*most {
			s.drop(most)
		}
	case consequence.MatchString(words(e)):
		if s.follow++; s.follow > most {
			return
		}
	default:
		if s.causes++; s.causes > most {
			return
		}
	}
	s.said = append(s.said, e)
}

// drop forgets notice n.
func (s *Seen) drop(n int) {
	at := s.notices[n]
	s.said, s.notices = slices.Delete(s.said, at, at+1), slices.Delete(s.notices, n, n+1)
	for i := range s.notices[n:] {
		s.notices[n+i]--
	}
}

// ends is a text without its middle.
func ends(text string, n int) string {
	if len(text) <= n {
		return strings.Clone(text)
	}
	head, tail := text[:n/2], text[len(text)-n/2:]
	if _, whole, ok := strings.Cut(tail, "\n"); ok {
		tail = whole // half a line of a builder would be taken for Nix's own
	}
	return strings.ToValidUTF8(head, "") + "\n…\n" + strings.ToValidUTF8(tail, "")
}
