package inspect

import (
	"fmt"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/shell"
)

// Kind is what a problem stands in the way of.
type Kind int

const (
	// Note: nothing; it is only to be known.
	Note Kind = iota
	// NoPassword: Wi-Fi passwords are missing or damaged; given again, all is
	// well.
	NoPassword
	// NoKey: the host key is lost. Only a clear yes makes a new one.
	NoKey
	// Stop: everything, until it is fixed.
	Stop
)

// Problem is a part of a saved host that is missing, damaged, or not as piwiz
// made it.
type Problem struct {
	File       string
	Err        error
	Kind       Kind
	fault.Todo // commands in full
}

func (p Problem) Error() string { return p.File + ": " + p.Err.Error() }
func (p Problem) Unwrap() error { return p.Err }

// Broken is the error for a host that cannot be used as it is: all that is in
// the way.
type Broken struct {
	Name       string
	Problems   []Problem
	fault.Todo // the remedies of all problems, each once
}

func (b *Broken) Error() string {
	if len(b.Problems) == 1 {
		return b.Problems[0].Error()
	}
	var text strings.Builder
	text.WriteString("the saved host " + b.Name + " has problems:")
	for _, p := range b.Problems {
		text.WriteString("\n  " + p.Error())
	}
	return text.String()
}

// Unwrap gives the problems one by one.
func (b *Broken) Unwrap() []error {
	var out []error
	for _, p := range b.Problems {
		out = append(out, p)
	}
	return out
}

// NewBroken is that error, about all of these problems.
func NewBroken(name string, problems []Problem) *Broken {
	var out fault.Todo
	seen := map[string]bool{}
	for _, p := range problems {
		for _, r := range p.Todo {
			if !seen[r] {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return &Broken{name, problems, out}
}

// Command is a remedy with a command; %s in it are paths, which are quoted for
// the shell.
func Command(format string, paths ...any) string {
	for i, p := range paths {
		paths[i] = shell.Quote(fmt.Sprint(p))
	}
	return fmt.Sprintf("Run: "+format, paths...)
}
