package flash

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var errMismatch = errors.New("the card does not give back what was written")

// Error is what failed on the card, where, and what to do. Offset is in
// bytes, -1 when it has no place.
type Error struct {
	Op        string
	Offset    int64
	Partition string // FIRMWARE, the root partition, or the space before
	Err       error
	Todo      []string
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (%s, at byte %d, in %s)", e.Err, e.Op, e.Offset, e.Partition)
}

func (e *Error) Unwrap() error { return e.Err }

// Hints says what to do.
func (e *Error) Hints() []string { return e.Todo }

// partition names the part of the card an offset lies in.
func (w *writer) partition(off int64) string {
	for i, p := range w.parts.Partitions {
		if p.Size > 0 && off >= p.Start && off < p.Start+p.Size {
			return [...]string{"the FIRMWARE partition", "the root partition", "partition 3", "partition 4"}[i]
		}
	}
	return "the space before the partitions"
}

// cardError says what a system call's error means for a card: a pulled reader
// gives ENODEV or ENOSPC, a pulled card EIO.
func (w *writer) cardError(op string, off int64, err error) error {
	e := &Error{Op: op, Offset: off, Partition: w.partition(off)}
	const again = "Until it is written again the card does not boot."
	switch {
	case errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEDIUM):
		e.Err = fmt.Errorf("the card or its reader was taken out: %w", err)
		e.Todo = []string{"Put it back and choose it again. " + again}
	case errors.Is(err, unix.EROFS) || errors.Is(err, unix.EPERM):
		e.Err = fmt.Errorf("the card has locked itself against writing: %w", err)
		e.Todo = []string{"Move the small switch on its side. If it is not that, the card is worn out: use another one."}
	case errors.Is(err, unix.EIO):
		e.Err = fmt.Errorf("the card has a bad place, or was taken out: %w", err)
		e.Todo = []string{"Try once more, in another reader if you can; if it fails at the same place, use another card. " + again}
	default:
		e.Err = fmt.Errorf("the card cannot be used: %w", err)
		e.Todo = []string{"Try once more, in another reader if you can. " + again}
	}
	return e
}
