package diagnose

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Row is a failure whose words are known. Patterns are those of regexp/syntax;
// $1 in the texts is what the pattern that fits has in brackets.
type Row struct {
	Name     string
	Nix      []string             // Nix's message, in the wordings of its versions
	Log      []string             // or the last words of the builder that failed, each in one line
	With     []string             // and one of these in what was said besides
	When     func(Statement) bool // and this
	Early    bool                 // a warning is enough: Nix itself takes the consequence for the cause
	Verbatim bool                 // Nix's words say more than ours: show them, and the place in the user's files
	Headline string
	Why      string
	Page     string
	Do       []string // FLAKE is the user's folder

	Side   Side     // the computer that all this is about
	Remote *Instead // words where that is another one; what is "" stays as it is
	Boxed  *Instead // words in a container of piwiz
}

// Statement is what the table is asked about.
type Statement struct {
	Cause string     // Nix's message, without the lines of the builder in it
	Log   []LastWord // of the builder
	Rest  string     // everything else Nix said, and programs that it ran
	There bool       // another computer said the cause
	Flake string     // store copy of the user's folder, "" when unknown
	Where Where
}

// Match is the match of the pattern that fits, nil when the row does not; log
// says that the builder's last lines told it.
func (r *Row) Match(s Statement) (m []string, log bool) {
	m = Find(r.Nix, s.Cause)
	if m == nil {
		m = Witness(r.Log, s.Log)
		log = m != nil
	}
	if m == nil || r.When != nil && !r.When(s) {
		return nil, false
	}
	if r.With != nil {
		m = Find(r.With, s.Rest)
	}
	return m, log
}

// early says whether a warning is already the cause.
func early(text string) bool {
	for _, r := range known {
		if r.Early && Find(r.Nix, text) != nil {
			return true
		}
	}
	return false
}

// Find is the match of the first pattern that fits, nil when none does.
func Find(patterns []string, text string) []string {
	for _, p := range patterns {
		if m := Pattern(p).FindStringSubmatch(text); m != nil {
			return m
		}
	}
	return nil
}

// compiled are the patterns that were needed: a build that succeeds needs none.
var compiled sync.Map

// Pattern is the pattern p, compiled once.
func Pattern(p string) *regexp.Regexp {
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
func lacksFeature(s Statement) bool {
	cause := s.Cause
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
