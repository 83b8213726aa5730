package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/shell"
)

// Remedy is what a person can do about an error of the system on a file or
// folder; nil for any other error. path is what the error is about where it does
// not say so itself. errno(3) has the numbers. This is the one table of them for
// files; those of a card are in flash/device.
func Remedy(err error, path string) []string {
	is, named, ok := fault(err)
	if !ok {
		return nil
	}
	if filepath.IsAbs(named) || path == "" {
		path = named
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return remedy(is, path)
}

// Hints is Remedy for an error that is one of the system itself and not just
// holds one.
func Hints(err error) []string {
	switch err.(type) {
	case *fs.PathError, *os.LinkError, *os.SyscallError:
		return Remedy(err, "")
	}
	return nil
}

// IsSystem tells whether the system refused something on a file, so that no
// content is at fault.
func IsSystem(err error) bool {
	_, _, ok := fault(err)
	return ok
}

// fault is the number of an error, and the path that it names.
func fault(err error) (is unix.Errno, path string, ok bool) {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p) && p.Op != "fork/exec":
		path = p.Path
	case errors.As(err, &l):
		path = l.New
		if errors.Is(err, fs.ErrNotExist) {
			if _, missing := os.Lstat(l.Old); missing != nil {
				path = l.Old
			}
		}
	}
	switch {
	case errors.As(err, &is):
		return is, path, true
	case errors.Is(err, fs.ErrPermission): // of a step that was refused before it was tried
		return unix.EACCES, path, true
	}
	return 0, "", false
}

func remedy(is unix.Errno, path string) []string {
	dir := near(path)
	in := shell.Quote(dir)
	switch is {
	case unix.ENOSPC:
		if noNames(dir) {
			return []string{"That disk takes no more files, however small: remove some, then try again. See how many it has: df -i " + in}
		}
		return []string{"Make room on the disk, then try again. See how full it is: df -h " + in}
	case unix.EDQUOT:
		return []string{"Your quota on that disk is used up: remove some of your files, then try again. See the limit: quota -s; df -h " + in}
	case unix.EFBIG:
		return []string{"No file may be that large there: choose another disk, or lift the limit of this shell and try again: ulimit -f unlimited"}
	case unix.EROFS:
		return []string{
			"That disk is read-only. See which it is: findmnt -T " + in,
			"The system may have locked it because it is failing: sudo dmesg | tail. If not, choose a place on another disk.",
		}
	case unix.EACCES, unix.EPERM:
		return denied(is, path)
	case unix.ENAMETOOLONG:
		return []string{"Choose a shorter name: most disks take 255 bytes, an encrypted home folder 143, and a path has at most 4095."}
	case unix.ENOENT:
		if above := filepath.Dir(path); dir != path && dir != above {
			return []string{"The folder " + shell.Quote(above) + " is not there. Check the spelling, or make it: mkdir -p " + shell.Quote(above)}
		}
		return []string{"Check the spelling. These are there: ls " + in}
	case unix.ENOTDIR:
		if file := notFolder(path); file != "" {
			return []string{file + " is a file, not a folder: name a folder instead, or move it away: mv " + shell.Quote(file) + " " + shell.Quote(file+".old")}
		}
		return []string{"Name a folder instead. These are there: ls " + in}
	case unix.EISDIR:
		return []string{"Name a file instead. These are in that folder: ls " + in}
	case unix.ELOOP:
		return []string{"The links lead in a circle. See where: namei -l " + shell.Quote(path)}
	case unix.EMFILE:
		return []string{fmt.Sprintf("This shell lets a program have only %s files open. Raise that, then try again: ulimit -n 1024", openFiles())}
	case unix.ENFILE:
		return []string{"This computer has too many files open: close some programs, then try again."}
	case unix.EEXIST, unix.ENOTEMPTY:
		return []string{"Something with that name already exists. See what it is: ls -la " + shell.Quote(path)}
	case unix.EBUSY, unix.ETXTBSY:
		return []string{"Another program uses it: close that, then try again. See which: fuser -v " + in}
	case unix.EXDEV:
		return []string{"A part of that folder is on a disk of its own, and nothing can be moved across. See which: findmnt -T " + in}
	case unix.EIO, unix.EBADMSG, unix.EUCLEAN:
		return []string{"The disk may be about to fail: save what is on it. Then see what the system says: sudo dmesg | tail"}
	case unix.ESTALE, unix.ENOTCONN, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ETIMEDOUT, unix.ENODEV, unix.ENXIO, unix.ENOMEDIUM:
		return []string{"That disk was unplugged, or is on a computer that does not answer: connect it again, then try again. See which it is: findmnt -T " + in}
	case unix.EINVAL, unix.EOPNOTSUPP, unix.ENOSYS, unix.EMLINK:
		return []string{"The disk cannot do that: choose a place on one with a file system of Linux (ext4, btrfs, xfs). See what it has: findmnt -T " + in}
	case unix.ENOMEM:
		return []string{"This computer is low on memory: close some programs, then try again."}
	}
	return []string{"Try again. If it stays so, see what the system says: sudo dmesg | tail"}
}

// notFolder is what is on a path, or at its end, and is no folder.
func notFolder(path string) string {
	for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
		if st, err := os.Stat(at); err == nil && !st.IsDir() {
			return at
		}
	}
	return ""
}

// near is path if it is a folder, else the nearest one above it that is there;
// a file where a folder should be is what it is.
func near(path string) string {
	for at := path; ; at = filepath.Dir(at) {
		st, err := os.Stat(at)
		switch {
		case err == nil && (st.IsDir() || at != path):
			return at
		case at == filepath.Dir(at):
			return at
		}
	}
}

// noNames tells whether a file system has bytes left and no room for a name.
func noNames(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Files > 0 && st.Ffree == 0 && st.Bavail > 0
}

// denied is what to do where the right to something is missing.
func denied(is unix.Errno, path string) []string {
	at := blocked(path)
	in := shell.Quote(at)
	st, err := os.Stat(at)
	if err != nil {
		return []string{"See who may use it: ls -ld " + in}
	}
	owner, known := st.Sys().(*syscall.Stat_t)
	home, err := os.UserHomeDir()
	inside, _ := filepath.Rel(home, at)
	switch {
	case os.Geteuid() == 0, is == unix.EPERM && known && int(owner.Uid) == os.Geteuid():
		return []string{"It may be protected, or on a disk that does not support owners. See which: lsattr -d " + in + "; findmnt -T " + in, "If lsattr shows an i or an a: sudo chattr -i -a " + in}
	case known && int(owner.Uid) == os.Geteuid():
		return []string{"Run: chmod u+rwX " + in}
	case err == nil && inside != "." && filepath.IsLocal(inside):
		return []string{`Run: sudo chown -R "$USER" ` + in + ` && chmod -R u+rwX ` + in}
	}
	return []string{"Choose a place that is yours, such as one in your home folder. See who may use that one: ls -ld " + in}
}

// blocked is the first folder on a path that may not be passed, else the last
// that is there.
func blocked(path string) string {
	at := "/"
	for rest := path; ; {
		up := filepath.Dir(rest)
		if up == rest {
			break
		}
		rest = up
		if unix.Access(rest, unix.X_OK) == unix.EACCES {
			at = rest // and perhaps one above it
		}
	}
	if at != "/" {
		return at
	}
	if _, err := os.Lstat(path); err == nil && unix.Access(path, unix.R_OK|unix.W_OK) != nil {
		return path
	}
	return near(filepath.Dir(path)) // its name cannot be changed
}

func openFiles() string {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return "few"
	}
	return fmt.Sprint(limit.Cur)
}
