// Package crash makes an error of a panic, so that a fault of piwiz itself ends
// as every other failure does: with a sentence, with the terminal as it was, and
// with what is left of the card said. The stack goes to the log.
//
// The rule: piwiz starts no goroutine but by Go, and nothing that the wizard or a
// verb runs goes without Try. A panic in any other goroutine ends the process on
// the spot, with the terminal in raw mode and a half-written card unnamed. A test
// of cmd/piwiz reads the source for this; the few exceptions stand there with
// their reasons.
//
// What cannot be had: a fatal error of the Go runtime (two goroutines in one map,
// no memory left) is no panic. Its stack reaches the log anyway.
package crash

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"piwiz/flash/fault"
)

// Error is a panic.
type Error struct {
	Value any
	Stack []byte // of the goroutine that panicked
	fault.Todo
}

func (e *Error) Error() string { return fmt.Sprintf("piwiz has a bug: %v", e.Value) }

// todo says where the stack is.
func todo() fault.Todo {
	hints := fault.Todo{"Your answers are not the cause. Try it again."}
	if f := log.Load(); f != nil {
		hints = append(hints, "If it happens again, report it with the end of the log: tail -n 60 "+f.Name())
	}
	return hints
}

// Is tells whether a panic is at the bottom of an error.
func Is(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// log is where stacks are written.
var log atomic.Pointer[os.File]

// LogTo has stacks written to an open file from now on, those of the runtime's
// fatal errors too.
func LogTo(f *os.File) error {
	log.Store(f)
	return debug.SetCrashOutput(f, debug.CrashOptions{})
}

// Try runs do. A panic in it becomes an *Error.
func Try(do func() error) (err error) {
	defer Catch(&err)
	return do()
}

// Catch makes *err of a panic. It must be deferred itself, because recover
// works nowhere else.
func Catch(err *error) {
	value := recover()
	if value == nil {
		return
	}
	if e, ok := value.(*Error); ok { // passed on to whoever waited
		*err = e
		return
	}
	e := &Error{value, debug.Stack(), todo()}
	if f := log.Load(); f != nil {
		_, _ = fmt.Fprintf(f, "time=%s level=ERROR msg=panic value=%q\n%s\n", time.Now().Format(time.RFC3339), fmt.Sprint(value), e.Stack) // a full disk changes nothing
	}
	*err = e
}

// Go runs do in a goroutine and then, in the same one, end with its error: that
// of do, or an *Error. end may be nil.
func Go(do func() error, end func(error)) {
	go func() {
		err := Try(do)
		if end != nil {
			_ = Try(func() error { end(err); return nil }) // it is in the log
		}
	}()
}
