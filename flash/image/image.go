// Package image opens SD images, plain or packed (package packed), and inspects
// their partition table before anything is written.
//
// What is refused is named, with what to do with that very thing (package kind).
package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"piwiz/flash/fault"
	"piwiz/flash/image/kind"
	"piwiz/flash/image/packed"
	"piwiz/flash/regular"
	"piwiz/flash/shell"
)

// From is an image to open.
type From struct {
	Path string
	// SHA256 is that of the file, as sumfile.Hash reads it; "" for the one that a
	// file beside it with the name Path.sha256 says, if there is one.
	SHA256 string
	// Again is how to get the image again, in a sentence; "" for one that is
	// somebody's own.
	Again string
	// Grow lets its last partition take all room that the card has (Grow in this
	// package). Without it the image is written byte for byte.
	Grow bool
}

// Remedy is what to do about an image that is damaged.
func (f From) Remedy() string {
	if f.Again != "" {
		return f.Again
	}
	return "Download it again, or copy it again from where you have it."
}

// Image is an opened image; reading gives it unpacked.
type Image struct {
	from From
	file *os.File
	sum  *sum
	how  packed.Format
	un   packed.Unpacker
	r    *bufio.Reader
	size packed.Size
	mbr  MBR
}

// Error is an image that cannot be used, and why.
type Error struct {
	Path string
	Err  error
	fault.Todo
}

func (e *Error) Error() string { return "The image " + e.Path + " cannot be used: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Open opens an image and refuses what is no SD image for a Pi, with *Error. Its
// SHA-256 is checked while it is read to its end. The end of ctx is its error,
// even when the file is on a disk or a server that does not answer.
func Open(ctx context.Context, from From) (*Image, error) {
	known, err := findSum(ctx, from)
	if err != nil {
		return nil, err
	}
	return regular.Within(ctx, func() (*Image, error) { return open(ctx, from, known) }, func(i *Image) { _ = i.Close() })
}

// Check opens an image as Open does, and closes it: what is refused is best
// refused before anybody is asked for a card.
func Check(ctx context.Context, from From) error {
	i, err := Open(ctx, from)
	if err == nil {
		err = i.Close()
	}
	return err
}

func open(ctx context.Context, from From, known *sum) (*Image, error) {
	fail := func(err error, todo ...string) (*Image, error) {
		if len(todo) == 0 {
			todo = []string{from.Remedy()}
		}
		return nil, &Error{from.Path, err, todo}
	}
	f, err := regular.Open(ctx, from.Path)
	var other *regular.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(errors.New("there is no such image"), "Check the name: ls -l "+shell.File(from.Path))
	case errors.Is(err, fs.ErrPermission):
		return fail(errors.New("you are not allowed to read it"), "Allow that with: sudo chmod a+r "+shell.File(from.Path))
	case errors.As(err, &other):
		return fail(fmt.Errorf("it is %s, not a file", other.Kind()), kind.Instead(other)...)
	case err != nil:
		return fail(err)
	}
	i := &Image{from: from, file: f, sum: known}
	if err := i.start(); err != nil {
		_ = i.Close()
		var e *Error
		if errors.As(err, &e) {
			return fail(e.Err, e.Todo...)
		}
		return fail(err)
	}
	return i, nil
}

// start finds out what the file is and reads the first sector.
func (i *Image) start() error {
	st, err := i.file.Stat()
	if err != nil {
		return err
	}
	if st.Size() == 0 {
		return errors.New("it is empty")
	}
	if err := i.known(st.Size()); err != nil {
		return err
	}
	if i.how, i.size, err = packed.Measure(i.file, st.Size()); err != nil {
		return i.another(err)
	}
	if err := i.Rewind(); err != nil {
		return err
	}
	head, err := i.r.Peek(kind.Head)
	if err != nil && !errors.Is(err, io.EOF) {
		e := &Error{"", fmt.Errorf("it cannot be read or unpacked: %w", err), []string{i.from.Remedy()}}
		if i.how != (packed.Format{}) {
			e.Todo = append(e.Todo, fmt.Sprintf("Or see whether its own program can: %s %s > %s", i.how.Program, shell.File(i.from.Path), kind.Unpacked))
		}
		return e
	}
	if err := i.unpackedIs(head); err != nil {
		return err
	}
	if i.mbr, err = ParseMBR(head); err != nil {
		return err
	}
	return i.mbr.check(i.size.Exact)
}

// Rewind goes back to the first byte, of the same file even if another one
// has its name by now.
func (i *Image) Rewind() error {
	if _, err := i.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	src, err := i.un.Unpack(i.how, bufio.NewReaderSize(i.sum.over(i.file), 1<<18))
	i.r = bufio.NewReaderSize(src, kind.Head) // larger reads pass it by
	return i.another(err)
}

// another adds to an error of unpacking which program can.
func (i *Image) another(err error) error {
	if other, ok := errors.AsType[*packed.OtherError](err); ok {
		return &Error{"", err, []string{fmt.Sprintf("Unpack it first, then use the unpacked one: %s %s > %s", other.Program, shell.File(i.from.Path), kind.Unpacked)}}
	}
	if behind, ok := errors.AsType[*packed.BehindError](err); ok {
		return &Error{"", err, []string{
			i.from.Remedy(), fmt.Sprintf("Or, if you know where that comes from, cut it off: head -c %d %s > %s", behind.At, shell.File(i.from.Path), shell.File(i.from.Path+".cut")),
		}}
	}
	return err
}

// Read reads the unpacked image. A packed one that was cut gives
// io.ErrUnexpectedEOF.
func (i *Image) Read(p []byte) (int, error) { return i.r.Read(p) }

// Size is the size unpacked, in bytes; -1 when it is not known beforehand.
func (i *Image) Size() int64 { return i.size.Exact }

// MayExceed tells whether the image could be larger than room bytes unpacked, for
// all that the file says.
func (i *Image) MayExceed(room int64) bool { return i.size.MayExceed(room, i.mbr.End()) }

// Count unpacks the image once, to know its size. It must be rewound after that.
func (i *Image) Count(ctx context.Context) error {
	if err := i.Rewind(); err != nil {
		return err
	}
	n := int64(0)
	for b := make([]byte, 1<<20); ; {
		m, err := i.r.Read(b)
		n += int64(m)
		switch {
		case err == io.EOF:
			i.size.Exact = n
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// MBR is the partition table.
func (i *Image) MBR() MBR { return i.mbr }

// Close closes the file.
func (i *Image) Close() error {
	i.un.Close()
	return i.file.Close()
}
