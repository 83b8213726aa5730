package namespace

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
)

// Failed is the exit status when the space could not be made.
const Failed = 125

// Step is what the kernel was asked for.
type Step string

// The steps of a space, in this order.
const (
	Clone    Step = "make a user namespace"
	Private  Step = "make the mounts private"
	Root     Step = "mount a root of its own"
	Proc     Step = "mount /proc"
	Show     Step = "show a folder"
	Store    Step = "show the store as /nix"
	Table    Step = "mount a table of emulators"
	Pivot    Step = "change the root"
	Register Step = "register the emulator"
	Self     Step = "start the program as yourself"
)

// Refusal is the step that failed.
type Refusal struct {
	Step   Step
	Path   string        // that it was about
	Errno  syscall.Errno // 0 when it was no answer of the kernel's
	Status int           // of the program that was run, when it ended wrongly
}

func (r *Refusal) Error() string {
	if r.Errno == 0 {
		return fmt.Sprintf("%s: %s ended with %d", r.Step, r.Path, r.Status)
	}
	return fmt.Sprintf("%s: %s: %v", r.Step, r.Path, r.Errno)
}

// Unwrap is the answer of the kernel.
func (r *Refusal) Unwrap() error {
	if r.Errno == 0 {
		return nil
	}
	return r.Errno
}

// line is r for Refused.
func (r *Refusal) line() string {
	text, _ := json.Marshal(r) // strings and numbers
	return Verb + " " + string(text)
}

// Before sees each step first, so that a test can let it fail. It is nil.
var Before func(step Step, path string) error

// Do takes a step, and says which it was when it fails.
func Do(step Step, path string, do func() error) error {
	err := error(nil)
	if Before != nil {
		err = Before(step, path)
	}
	if err == nil {
		err = do()
	}
	if err == nil {
		return nil
	}
	r := &Refusal{Step: step, Path: path}
	if !errors.As(err, &r.Errno) {
		return fmt.Errorf("%s: %s: %w", step, path, err)
	}
	return r
}

// refusal is err as a Refusal. What is none is the machine's fault.
func refusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return &Refusal{Step: Step(err.Error()), Errno: syscall.EIO}
}
