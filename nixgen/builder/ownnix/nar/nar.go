// Package nar reads and writes NARs, the archives of Nix, and its base 32.
//
// A NAR has one spelling for one tree: what Unpack takes, Dump writes again byte
// for byte, and all else is refused. Sources: the manual of Nix, "Nix Archive
// (NAR) format", and src/libutil/archive.cc of Nix 2.26.
package nar

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const magic = "nix-archive-1"

// Limits on what a NAR may say of itself, in bytes; those of Linux.
const (
	maxWord   = 16 // the longest word of the format is nix-archive-1
	maxName   = 255
	maxTarget = 4095
	maxDepth  = 256 // folders in each other
)

// WriteError is a failure of this computer, not of a NAR.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap is the error of the system.
func (e *WriteError) Unwrap() error { return e.Err }

// own is err, as a WriteError.
func own(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return &WriteError{err}
	}
	return nil
}

// The Nix store has no other times and modes. Source: canonicalisePathMetaData
// of src/libstore/posix-fs-canonicalise.cc.
const (
	fileMode    = 0o444
	programMode = 0o555
	folderMode  = 0o555
)

var epoch = time.Unix(1, 0)

// timeOf sets the time of a link itself.
func timeOf(link string) error {
	one := []unix.Timespec{{Sec: 1}, {Sec: 1}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, link, one, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "utimensat", Path: link, Err: err}
	}
	return nil
}

// Canonical gives one file, link or folder the mode and time that it has in a
// store. A folder comes after what is in it.
func Canonical(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return timeOf(path)
	case !info.IsDir() && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file, folder or link", path)
	}
	mode := fs.FileMode(fileMode)
	if info.IsDir() || info.Mode()&0o100 != 0 {
		mode = folderMode
	}
	return errors.Join(os.Chmod(path, mode), os.Chtimes(path, epoch, epoch))
}

// Remove removes path and all below it, read-only folders too. Nothing there is
// no error.
func Remove(path string) error {
	_ = filepath.WalkDir(path, func(at string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(at, 0o700) // what does not work is told by RemoveAll
		}
		return nil
	})
	return os.RemoveAll(path)
}
