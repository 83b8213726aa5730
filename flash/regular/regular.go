// Package regular opens files that people name, on a command line or beside
// another file.
//
// Such a name may be anything: a pipe into which nobody writes, a folder, a
// disk, a file on a server that does not answer. None of them may hold up the
// program, or be read as if it were a file. So each path from outside is opened
// here, or as here: without waiting for a writer (O_NONBLOCK, open(2)), only
// what is a regular file, and no longer than somebody wants it.
package regular

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"piwiz/flash/crash"
	"piwiz/flash/fault"
)

// Error is a path that names something else than a regular file.
type Error struct {
	Path string
	Mode fs.FileMode // its type bits
	fault.Todo
}

func (e *Error) Error() string { return e.Path + " is " + e.Kind() + ", not a file" }

// Kind says what it is: "a folder".
func (e *Error) Kind() string {
	switch m := e.Mode; {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeCharDevice != 0:
		return "a character device"
	case m&fs.ModeDevice != 0:
		return "a block device"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "something else"
}

func notFile(path string, mode fs.FileMode) *Error {
	todo := "Name a file instead."
	if mode&fs.ModeNamedPipe != 0 {
		todo = "Save what comes out of it to a file first, then name that file."
	}
	return &Error{path, mode.Type(), fault.Todo{todo}}
}

// Open opens a regular file for reading. Anything else is an *Error, found
// without side effects; the end of ctx is its error, whatever the file system
// does.
func Open(ctx context.Context, path string) (*os.File, error) {
	return Within(ctx, func() (*os.File, error) { return open(path) }, func(f *os.File) { _ = f.Close() })
}

func open(path string) (*os.File, error) {
	f, err := OpenFile(path, 0)
	return f, named(path, err)
}

// named is an error with the path and what to do, where it is no regular file.
func named(path string, err error) error {
	if no, is := errors.AsType[*NotFile](err); is {
		return notFile(path, no.Mode)
	}
	return err
}

// Read reads a whole regular file of at most limit bytes, as Open opens it.
func Read(ctx context.Context, path string, limit int) ([]byte, error) {
	return Within(ctx, func() ([]byte, error) {
		b, err := ReadFile(path, limit, 0)
		return b, named(path, err)
	}, func([]byte) {})
}

// Within runs do, and waits for it no longer than ctx: a call on a file system
// that hangs cannot be interrupted. What do gives later than that is dropped.
func Within[T any](ctx context.Context, do func() (T, error), drop func(T)) (T, error) {
	type end struct {
		v   T
		err error
	}
	done := make(chan end, 1)
	var v T
	crash.Go(func() (err error) { v, err = do(); return err }, func(err error) { done <- end{v, err} })
	select {
	case e := <-done:
		return e.v, e.err
	case <-ctx.Done():
		crash.Go(func() error {
			if e := <-done; e.err == nil {
				drop(e.v)
			}
			return nil
		}, nil)
		var none T
		return none, ctx.Err()
	}
}
