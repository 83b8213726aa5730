package nix

// Error is why Nix cannot do what it is asked for, here or where it is sent to,
// in a way that the user can put right.
type Error struct {
	Headline string   // one sentence
	Why      string   // what it means, or what was said; "" when the headline is enough
	Fixes    []string // what to do, with the exact command
	Err      error    // below, nil when there is none
}

// Error is the headline and the reason.
func (e *Error) Error() string {
	if e.Why == "" {
		return e.Headline
	}
	return e.Headline + "\n" + e.Why
}

func (e *Error) Unwrap() error { return e.Err }

// Hints say what to do.
func (e *Error) Hints() []string { return e.Fixes }
