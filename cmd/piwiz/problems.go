package main

import (
	"errors"
	"slices"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/tui"
)

// problems are all that is in the way of what a verb is to do. Rule: nothing is
// told one by one. First all problems, each with its place, before anything is
// asked; then, when there are none, all that needs a yes, in one list.
type problems []error

// add adds an error, if it is one.
func (p *problems) add(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

// err is nil without problems, and the problem itself where there is but one.
func (p problems) err() error {
	switch len(p) {
	case 0:
		return nil
	case 1:
		return p[0]
	}
	_, todo := tui.Explain(errors.Join(p...))
	return &several{p, todo}
}

// several are problems with what to do about all, each once.
type several struct {
	all problems
	fault.Todo
}

func (s *several) Error() string {
	var text strings.Builder
	text.WriteString("nothing was done, because of these problems:")
	for _, err := range s.all {
		text.WriteString("\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return text.String()
}

func (s *several) Unwrap() []error { return s.all }

// code is that of the one that is in the way longest: what must be changed
// comes before what a yes lets go on, and what this computer lacks is last.
func (p problems) code() int {
	var codes []int
	for _, err := range p {
		codes = append(codes, codeOf(err))
	}
	for _, c := range []int{cancelled, usage, failed, refused} {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return lacking
}
