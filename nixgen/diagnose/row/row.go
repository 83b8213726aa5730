// Package row is what the tables of known failures are made of: a row, what it is
// held against, and what several subjects say.
package row

import (
	"regexp"
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
