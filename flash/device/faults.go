package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/fault"
)

// Error is what failed, where, and what to do. Offset is in bytes, -1 when it
// has no place.
type Error struct {
	What      string // a sentence without its full stop
	Op        string // what was being done; "" when that says nothing
	Offset    int64
	Partition string // the FIRMWARE partition, the root partition, or the space around them
	Err       error  // nil when no call failed
	fault.Todo
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ", at byte %d in %s", e.Offset, e.Partition)
	}
	switch {
	case errors.Is(e.Err, context.Canceled): // What says it
	case e.Op != "" && e.Err != nil:
		fmt.Fprintf(&b, " (%s: %v)", e.Op, e.Err)
	case e.Err != nil:
		fmt.Fprintf(&b, " (%v)", e.Err)
	case e.Op != "":
		fmt.Fprintf(&b, " (%s)", e.Op)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Gone tells errors after which asking again is of no use.
func Gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOMEDIUM) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EPERM)
}

// State says what has become of the card by now.
func (d *Device) State() string {
	if !d.Touched() {
		return "Nothing was written to the card."
	}
	return "Until it is written again the card does not boot."
}

// Fault says what a system call's error means for a card. A reader that
// is pulled gives ENODEV, then ENOSPC with a size of zero; a card pulled out
// of its reader gives EIO, like a bad block, but at every other place too.
func (d *Device) Fault(op string, off int64, err error) error {
	e := &Error{Op: op, Offset: off, Partition: d.place(off), Err: err}
	is := func(numbers ...unix.Errno) bool {
		for _, n := range numbers {
			if errors.Is(err, n) {
				return true
			}
		}
		return false
	}
	say := func(what, todo string) error {
		e.What, e.Todo = what, []string{todo + " " + d.State()}
		return e
	}
	switch {
	// A disk that is gone has no bytes: to write is ENOSPC, to read is the end.
	case is(unix.ENODEV, unix.ENXIO) || (is(unix.ENOSPC) || errors.Is(err, io.ErrUnexpectedEOF)) && d.empty():
		return say("The card reader was unplugged", "Plug it in firmly, without a hub if you can, and choose the card again.")
	case is(unix.ENOMEDIUM):
		return say("The card was taken out of the reader", "Put it back and choose it again.")
	case is(unix.ENOSPC):
		return say("The card is smaller than it claims", "Use another card.")
	case is(unix.EROFS, unix.EPERM):
		return say("The card has locked itself against writing", "Move the small switch on its side. If that does not help, the card is worn out: use another one.")
	case is(unix.EIO) && d.Silent():
		return say("The card was taken out, or no longer answers", "Put it in again, in another reader if you can, and choose it again.")
	case is(unix.EIO):
		return say("The card has a bad block", "Try again, in another reader if you can; if it fails at the same block, use another card.")
	}
	return say("The card cannot be used", "Try again, in another reader if you can.")
}

// Mismatch is what the card gave back wrong.
func (d *Device) Mismatch(off int64) error {
	return &Error{What: "The card does not return what was written to it", Op: "verify", Offset: off, Partition: d.place(off), Todo: []string{
		"Try again in another reader or another USB port: bad ones corrupt the data.",
		"If it fails again, the card is worn out, or smaller than it claims: use another one. " + d.State(),
	}}
}
