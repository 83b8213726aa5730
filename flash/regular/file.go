package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Neither half of piwiz imports the other, so each has this file: they are the
// same, byte for byte, and a test of cmd/piwiz keeps them so.

// NotFile is what a path names instead of a regular file.
type NotFile struct{ Mode fs.FileMode } // its type bits

func (*NotFile) Error() string { return "it is not a regular file" }

// TooLarge is a file of more than Limit bytes.
type TooLarge struct{ Limit int }

func (t *TooLarge) Error() string {
	return fmt.Sprintf("it is larger than %d KiB, so it is something else", t.Limit>>10)
}

// OpenFile opens a regular file for reading, and a link to one; with O_NOFOLLOW
// among the flags the error for a link is ELOOP (open(2)). Anything else is a
// *NotFile, found without side effects and without waiting for a writer.
func OpenFile(path string, flags int) (*os.File, error) {
	// A socket cannot be opened at all, and opening some devices does something,
	// so they are told by name first. What was opened counts.
	stat := os.Stat
	if flags&unix.O_NOFOLLOW != 0 {
		stat = os.Lstat
	}
	if st, err := stat(path); err == nil && st.Mode()&^fs.ModeSymlink&fs.ModeType != 0 {
		return nil, &NotFile{st.Mode().Type()}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|flags, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &NotFile{st.Mode().Type()}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile reads a whole file of at most limit bytes, as OpenFile opens it; a
// larger one is a *TooLarge.
func ReadFile(path string, limit, flags int) ([]byte, error) {
	f, err := OpenFile(path, flags)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Content(f, limit)
}

// Content reads all there is, of at most limit bytes, into memory that the
// caller can clear: nothing else holds a copy.
func Content(from io.Reader, limit int) ([]byte, error) {
	b := make([]byte, limit+1) // one that grows leaves copies
	n, err := io.ReadFull(from, b)
	if err == nil {
		err = &TooLarge{limit}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return b[:n], nil
	}
	clear(b)
	return nil, err
}
