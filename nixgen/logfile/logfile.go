// Package logfile keeps logs that cannot fill the disk: a file, and the one
// before it.
package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Before is what the name of the file before ends with.
const Before = ".1"

// File is a log that only the user can read. When it has grown to its limit it
// becomes the file before, and a new one begins: so the end is always kept, and the
// two never take more than twice the limit, but for one write.
//
// A log that cannot be written stops nothing: a full disk is told by whatever
// fills it, and better.
type File struct {
	name string
	most int64
	size int64
	f    *os.File
}

// Open opens a log to add to it, and makes its folder if need be. most is the
// limit in bytes.
func Open(name string, most int64) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a log: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	l := &File{name: name, most: most, f: f}
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return l, nil
}

// Rotate opens a log like Open, and starts it afresh: what it holds becomes the
// file before.
func Rotate(name string, most int64) (*File, error) {
	if err := os.Rename(name, name+Before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keep the last log: %w", err)
	}
	return Open(name, most)
}

// Write adds to the log. It never fails.
func (l *File) Write(b []byte) (int, error) {
	if l.size > 0 && l.size+int64(len(b)) > l.most {
		l.rotate()
	}
	n, _ := l.f.Write(b)
	l.size += int64(n)
	return len(b), nil
}

// rotate starts a new file; where that fails, what is in it is lost.
func (l *File) rotate() {
	_ = l.f.Close() // as Write
	if os.Rename(l.name, l.name+Before) != nil {
		_ = os.Truncate(l.name, 0)
	}
	l.f, _ = os.OpenFile(l.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // writing to nil fails, which is nothing
	l.size = 0
}

// Close closes the log.
func (l *File) Close() error { return l.f.Close() }
