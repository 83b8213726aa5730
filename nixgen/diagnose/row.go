package diagnose

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// row is a failure whose words are known. Patterns are those of regexp/syntax;
// $1 in the texts is what the pattern that fits has in brackets.
type row struct {
	name     string
	nix      []string             // Nix's message, in the wordings of its versions
	log      []string             // or the last words of the builder that failed, each in one line
	with     []string             // and one of these in what was said besides
	when     func(statement) bool // and this
	early    bool                 // a warning is enough: Nix itself takes the consequence for the cause
	verbatim bool                 // Nix's words say more than ours: show them, and the place in the user's files
	headline string
	why      string
	page     string
	do       []string // FLAKE is the user's folder

	side   side     // the computer that all this is about
	remote *instead // words where that is another one; what is "" stays as it is
	boxed  *instead // words in a container of piwiz
}

// statement is what the table is asked about.
type statement struct {
	cause string     // Nix's message, without the lines of the builder in it
	log   []lastWord // of the builder
	rest  string     // everything else Nix said, and programs that it ran
	there bool       // another computer said the cause
	flake string     // store copy of the user's folder, "" when unknown
	where Where
}

// match is the match of the pattern that fits, nil when the row does not; log
// says that the builder's last lines told it.
func (r *row) match(s statement) (m []string, log bool) {
	m = find(r.nix, s.cause)
	if m == nil {
		m = witness(r.log, s.log)
		log = m != nil
	}
	if m == nil || r.when != nil && !r.when(s) {
		return nil, false
	}
	if r.with != nil {
		m = find(r.with, s.rest)
	}
	return m, log
}

// early says whether a warning is already the cause.
func early(text string) bool {
	for _, r := range known {
		if r.early && find(r.nix, text) != nil {
			return true
		}
	}
	return false
}

func find(patterns []string, text string) []string {
	for _, p := range patterns {
		if m := pattern(p).FindStringSubmatch(text); m != nil {
			return m
		}
	}
	return nil
}

// compiled are the patterns that were needed: a build that succeeds needs none.
var compiled sync.Map

func pattern(p string) *regexp.Regexp {
	if re, ok := compiled.Load(p); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(p)
	compiled.Store(p, re)
	return re
}

// fill puts the match into a text.
func fill(text string, match []string) string {
	for i, m := range match[1:] {
		text = strings.ReplaceAll(text, "$"+strconv.Itoa(i+1), m)
	}
	return text
}

var (
	askedLocal  = regexp.MustCompile(`(?s)^an? .* with features \{([^}]*)\} is required to build .* with features \{([^}]*)\}`)
	askedSystem = regexp.MustCompile(`(?s)Required system: .* with features \{([^}]*)\}.*Current system: .* with features \{([^}]*)\}`)
)

// lacksFeature says whether a feature (kvm, big-parallel) is what is missing,
// and not the platform. Before 2.34 one message served both.
func lacksFeature(s statement) bool {
	cause := s.cause
	for _, re := range []*regexp.Regexp{askedLocal, askedSystem} {
		m := re.FindStringSubmatch(cause)
		if m == nil {
			continue
		}
		have := " " + strings.ReplaceAll(m[2], ",", " ") + " "
		for want := range strings.FieldsFuncSeq(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !strings.Contains(have, " "+want+" ") {
				return true
			}
		}
		return false
	}
	return true // from 2.34 on it says so
}
