// Package named finds the disk that somebody means by what they typed: its
// device, any link to that (/dev/disk/by-id/...), a relative path, or the bare
// name that the kernel has for it. Whatever else the name leads to is told by
// what it is, with the disk to name instead, so that nothing is ever written
// to a disk that was only nearly named.
package named

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk/facts"
	"piwiz/flash/fault"
)

// Error says what a name means that is not a disk.
type Error struct {
	What       string   // a sentence without its full stop
	Instead    []string // disks that may be meant, by the kernel's names
	fault.Todo          // none when there is nothing to do but name a disk
}

func (e *Error) Error() string { return e.What }

// Disk is the kernel's name (sdb) for the whole disk that is meant, on the
// computer at root ("/"; a test gives a folder). Whether that disk may be
// written is not its business. *Error says what else it is.
func Disk(root, typed string) (string, error) { return finder{root, status}.disk(typed) }

type finder struct {
	root   string
	status func(path string) (fs.FileMode, string, error)
}

// status is what a path is, and for a device its numbers (8:16).
func status(path string) (fs.FileMode, string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, "", err
	}
	rdev := st.Sys().(*syscall.Stat_t).Rdev
	return st.Mode(), fmt.Sprintf("%d:%d", unix.Major(rdev), unix.Minor(rdev)), nil
}

func (f finder) disk(typed string) (string, error) {
	shown := facts.Clean(typed)
	if shown == "" {
		return "", &Error{What: "The disk has no name"}
	}
	path, err := f.real(typed)
	if err == nil {
		var mode fs.FileMode
		var numbers string
		if mode, numbers, err = f.status(path); err == nil && !f.bare(typed, mode) {
			return f.judge(shown, path, mode, numbers)
		}
	}
	if f.known(typed) { // sdb, as it stands in a list
		return f.disk("/dev/" + typed)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EINVAL):
		if _, gone := os.Lstat(f.under(typed)); gone == nil {
			return "", &Error{What: shown + " is a link to something that is not there"}
		}
		return "", &Error{What: "There is no " + shown}
	}
	return "", &Error{What: fmt.Sprintf("%s cannot be checked (%v)", shown, errors.Unwrap(err))}
}

// under is the path below root. It is not cleaned: what .. means after a link
// only the kernel knows.
func (f finder) under(typed string) string {
	if !filepath.IsAbs(typed) {
		return strings.TrimRight(typed, "/")
	}
	if path := strings.TrimRight(strings.TrimSuffix(f.root, "/")+typed, "/"); path != "" {
		return path
	}
	return "/"
}

func (f finder) real(typed string) (string, error) {
	path, err := filepath.EvalSymlinks(f.under(typed))
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// bare is a kernel's name that is by chance also that of a file in this folder.
func (f finder) bare(typed string, mode fs.FileMode) bool {
	return mode&fs.ModeDevice == 0 && f.known(typed)
}

func (f finder) known(name string) bool {
	return name != "" && !strings.Contains(name, "/") && name != "." && name != ".." && (f.exists("sys/block", name) || f.parent(name) != "")
}

func (f finder) exists(elem ...string) bool {
	_, err := os.Lstat(filepath.Join(append([]string{f.root}, elem...)...))
	return err == nil
}

// parent is the disk of a partition; "" for what is none.
func (f finder) parent(name string) string {
	for _, d := range facts.Children(f.root, "sys/block") {
		if strings.HasPrefix(name, d) && facts.Text(f.root, "sys/block", d, name, "partition") != "" {
			return d
		}
	}
	return ""
}

// numbered is the disk or partition with these numbers, and the disk that a
// partition is part of.
func (f finder) numbered(numbers string) (name, of string) {
	for _, d := range facts.Children(f.root, "sys/block") {
		if facts.Text(f.root, "sys/block", d, "dev") == numbers {
			return d, ""
		}
		for _, p := range facts.Children(f.root, "sys/block", d) {
			if strings.HasPrefix(p, d) && facts.Text(f.root, "sys/block", d, p, "dev") == numbers {
				return p, d
			}
		}
	}
	return "", ""
}

func (f finder) judge(shown, path string, mode fs.FileMode, numbers string) (string, error) {
	switch {
	case mode&fs.ModeCharDevice != 0:
		return "", f.character(shown, filepath.Base(path))
	case mode&fs.ModeDevice != 0:
		return f.block(shown, numbers)
	case mode.IsDir():
		return "", f.folder(shown, path)
	case !mode.IsRegular():
		return "", &Error{What: shown + " is a connection between programs, not a disk"}
	case facts.Within(path, filepath.Join(f.root, "dev")):
		return "", &Error{
			What: shown + " is an ordinary file among the devices: a program made it when it wrote to a disk that was not plugged in",
			Todo: fault.Todo{"Remove that file, which only takes up memory, and put the card in."},
		}
	case image.MatchString(path):
		return "", &Error{What: shown + " is a file, not a disk", Todo: fault.Todo{"To write this image to a card, name the card and add --image " + shown}}
	}
	return "", &Error{What: shown + " is a file, not a disk"}
}

var image = regexp.MustCompile(`\.(img|iso|raw)(\.\w+)?$`)

// character is about devices that are no disks; two kinds stand for one.
func (f finder) character(shown, base string) error {
	e := &Error{What: shown + " is a device, but not a disk"}
	for _, d := range facts.Children(f.root, "sys/block") {
		if strings.HasPrefix(d, base+"n") && strings.HasPrefix(base, "nvme") {
			e.What, e.Instead = shown+" is what the disk is connected to, not the disk", append(e.Instead, d)
		}
	}
	if d := facts.Children(f.root, "sys/class/scsi_generic", base, "device/block"); len(d) == 1 {
		e.What, e.Instead = shown+" is a way to send commands to the disk", d
	}
	return e
}

// folder is about a folder where somebody sees the files of a card.
func (f finder) folder(shown, path string) error {
	e := &Error{What: shown + " is a folder, not a disk"}
	table, err := facts.Mounts(f.root)
	if err != nil {
		return e
	}
	for _, m := range table {
		if filepath.Join(f.root, m.Point) != path {
			continue
		}
		e = &Error{What: shown + " is a folder, not a disk"} // what was opened there last counts
		if name, _ := f.numbered(m.Numbers); name != "" {
			e.What, e.Instead = shown+" is the folder with the files of /dev/"+name, f.below(name)
		}
	}
	return e
}

// block is about all that the kernel calls a block device.
func (f finder) block(shown, numbers string) (string, error) {
	name, of := f.numbered(numbers)
	switch {
	case name == "":
		return "", &Error{What: shown + " is the name of a disk that is not plugged in"}
	case of != "":
		e := &Error{What: shown + " is a partition of the disk /dev/" + of, Instead: f.below(of)}
		if what := f.madeUp(of); what != "" {
			e.What = shown + " is a partition of /dev/" + of + ", which is " + what
		}
		return "", e
	}
	what := f.madeUp(name)
	if what == "" {
		return name, nil
	}
	return "", &Error{What: shown + " is " + what + ", not a disk", Instead: slices.DeleteFunc(f.below(name), func(n string) bool { return n == name })}
}
