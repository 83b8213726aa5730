// Package fault is how errors are told to people: what is wrong in one
// sentence, why, and what they can do, with the exact command.
//
// Neither half of piwiz imports the other, so each has this package: the files
// are the same, byte for byte, and a test of cmd/piwiz keeps them so. An error
// that callers decide by has a type of its own and embeds Todo; any other is an
// Error.
package fault

// Told is an error made for people.
type Told interface {
	error
	Hints() []string // what to do, each a sentence or a command
}

// Todo is what to do, each a sentence or a command. None is better than a
// guess.
type Todo []string

// Hints say what to do.
func (t Todo) Hints() []string { return t }

// Error is a failure that nobody but a person decides by.
type Error struct {
	Headline string // one sentence
	Why      string // what it means, or what was said; "" when the headline is enough
	Todo
	Lacks bool  // it is this computer that lacks something, or does not allow it
	Err   error // below, nil when there is none
}

// Error is the headline and the reason.
func (e *Error) Error() string {
	if e.Why == "" {
		return e.Headline
	}
	return e.Headline + "\n" + e.Why
}

// Unwrap is the error below.
func (e *Error) Unwrap() error { return e.Err }
