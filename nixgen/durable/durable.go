// Package durable changes files so that a crash, a full disk or a pulled plug
// leaves what was there or what was to be there, and nothing between.
//
// A file is written under another name, synced, and given its name by a
// rename or a link; after that its folder is synced, because until then the
// name itself can be lost (fsync(2), NOTES). It is the one writer of the nixgen
// half for what must not be lost, and has the one table of what to do when the
// system refuses (Remedy): no error of a file goes without.
package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Temporary begins the names of files that are not whole yet. One that is
// found later is of a run that was killed.
const Temporary = ".new-"

// Replace puts data in the place of path. A symbolic link at path is replaced,
// not followed.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return Disk{}.put(path, data, mode, Disk.Rename)
}

// Create makes path, which must not exist: else the error is fs.ErrExist and
// nothing was changed.
func Create(path string, data []byte, mode fs.FileMode) error {
	return Disk{}.put(path, data, mode, Disk.Link)
}

// CreateFrom is Create for what is too large to hold in memory. It needs no
// links and no modes, so that it works on a USB stick as well; where there are
// modes, the file is the user's alone.
func CreateFrom(path string, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), Temporary+"*")
	if err != nil {
		return as("create", path, "", err)
	}
	defer os.Remove(f.Name()) // gone already after the rename
	for _, err := range []error{write(f), f.Sync(), f.Close()} {
		if err != nil { // those after it say the same
			return as("write", path, f.Name(), err)
		}
	}
	return Disk{}.Rename(f.Name(), path)
}

// as is an error about a temporary file, told of the file that was to be made:
// nobody knows the other name.
func as(op, path, temporary string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok && (temporary == "" || p.Path == temporary) {
		return &fs.PathError{Op: op, Path: path, Err: p.Err}
	}
	return err
}

// Disk is where steps are made. The zero value is the real one; Before sees
// each step first, so that a test can let it fail.
type Disk struct {
	Before func(step, path string) error
}

func (d Disk) before(step, path string) error {
	if d.Before == nil {
		return nil
	}
	return d.Before(step, path)
}

func (d Disk) put(path string, data []byte, mode fs.FileMode, name func(d Disk, from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), Temporary+"*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	if err := d.fill(f, data, mode); err != nil {
		return err
	}
	return name(d, f.Name(), path)
}

// Write makes path, which must not exist, with its content on the disk. Its
// name is not: sync the folder.
func (d Disk) Write(path string, data []byte, mode fs.FileMode) error {
	if err := d.before("create", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return d.fill(f, data, mode)
}

func (d Disk) fill(f *os.File, data []byte, mode fs.FileMode) error {
	err := d.before("write", f.Name())
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

// Rename gives a file or folder another name, in the place of a file that has
// it.
func (d Disk) Rename(from, to string) error {
	if err := d.before("rename", to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return d.syncParents(from, to)
}

// Link gives a file a second name, which must be free: else fs.ErrExist.
func (d Disk) Link(from, to string) error {
	if err := d.before("link", to); err != nil {
		return err
	}
	if err := os.Link(from, to); err != nil {
		return err
	}
	return d.Sync(filepath.Dir(to))
}

func (d Disk) syncParents(from, to string) error {
	err := d.Sync(filepath.Dir(to))
	if filepath.Dir(from) != filepath.Dir(to) {
		err = errors.Join(err, d.Sync(filepath.Dir(from)))
	}
	return err
}

// Mkdir makes a folder with exactly this mode, and those above it that are
// missing.
func (d Disk) Mkdir(path string, mode fs.FileMode) error {
	if st, err := os.Lstat(path); err == nil && st.IsDir() {
		return nil
	}
	if err := d.before("mkdir", path); err != nil {
		return err
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask is
}

// Remove removes a file, an empty folder or a link.
func (d Disk) Remove(path string) error {
	if err := d.before("remove", path); err != nil {
		return err
	}
	return os.Remove(path)
}

// RemoveAll removes path and all below it; nothing there is no error.
func (d Disk) RemoveAll(path string) error {
	if err := d.before("remove", path); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// Sync puts the names in a folder on the disk.
func (d Disk) Sync(dir string) error {
	if err := d.before("sync", dir); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Exchange swaps the names of two files or folders in one step. Not every file
// system can do that.
func (d Disk) Exchange(a, b string) error {
	if err := d.before("exchange", b); err != nil {
		return err
	}
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return d.syncParents(a, b)
}

// SyncTree puts the names in a folder and in all below it on the disk.
func (d Disk) SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return d.Sync(path)
	})
}

// Wipe removes a file or folder whose content is secret: each plain file that
// has no other name is overwritten first. That is best effort: an SSD, and a
// file system that copies on write or keeps snapshots, may keep old blocks. A
// file with a second name (a backup made of hard links) is only unlinked here,
// because overwriting it would destroy the other one too.
func (d Disk) Wipe(path string) error {
	if err := d.before("wipe", path); err != nil {
		return err
	}
	err := filepath.WalkDir(path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return overwrite(path)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if left := os.RemoveAll(path); left != nil {
		return left // for the same reason, often
	}
	return err
}

// IsTemporary tells whether a file of this name is left over from a writer
// that was killed: this one or an editor.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, Temporary) || strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".tmp") ||
		strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swo")) ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}
