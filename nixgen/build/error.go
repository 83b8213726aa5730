package build

import "fmt"

// Error is why there is no image: the first cause, and where it is put right.
type Error struct {
	Headline   string   // one sentence
	Why        string   // what Nix said, with the user's own file names; may be several lines
	Derivation string   // that failed, "" when none was being built
	LogTail    []string // its last lines
	LogFile    string   // whole log of the build, "" for none
	Page       string   // of the wizard that can put it right: preview wifi hostname keys check, or ""
	hints      []string
	err        error
}

func (e *Error) Error() string {
	if e.Why == "" {
		return e.Headline
	}
	return fmt.Sprintf("%s\n%s", e.Headline, e.Why)
}

// Unwrap is the error below, nil when there is none.
func (e *Error) Unwrap() error { return e.err }

// Hints say what to do.
func (e *Error) Hints() []string { return e.hints }
