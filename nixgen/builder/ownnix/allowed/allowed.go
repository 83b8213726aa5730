// Package allowed says whether this computer lets piwiz's own Nix run from a
// folder, and if not, why and what helps.
//
// Rule: it is tried by doing all that a build will do, in a child that then
// ends and says which step failed. Versions and settings only choose the words.
// The answer is for now; it is never kept. No way around a security setting is
// offered, and none that switches one off for the whole computer without saying
// so.
package allowed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/osrelease"
)

// In tries whether Nix may run from the folder dir, and says whether programs for
// the Pi are run by a table of its own; else by an emulator of the whole computer.
// It changes nothing. The error is a *fault.Error.
func In(ctx context.Context, dir string) (table bool, err error) {
	if osrelease.Read("/").Is("nixos") {
		return false, &fault.Error{
			Lacks: true, Headline: "This computer has NixOS, where piwiz uses the Nix of the system.",
			Todo: fault.Todo{"Let it build: piwiz --builder local"},
		}
	}
	for range 10 { // another who tries may remove the folder that it made
		table, err = once(ctx, dir)
		if _, missing := os.Stat(dir); !errors.Is(err, unix.ENOENT) || missing == nil {
			break
		}
	}
	return table, err
}

// once tries in a folder, and leaves none that was not there.
func once(ctx context.Context, dir string) (table bool, err error) {
	made, err := folders(dir)
	defer func() {
		for _, d := range made {
			_ = os.Remove(d) // somebody may have put something there
		}
	}()
	if err == nil {
		err = suits(dir)
	}
	if err != nil {
		return false, err
	}
	err = try(ctx, dir, true)
	if err == nil {
		return true, nil
	}
	first, refused := errors.AsType[*namespace.Refusal](err)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case !refused:
		return false, &fault.Error{
			Lacks: true, Headline: "piwiz could not try whether its own Nix may run here.", Why: err.Error(), Err: err,
			Todo: append(durable.Remedy(err, dir), "If piwiz was updated since "+namespace.Copy+" was installed, install that again."),
		}
	case first.Step == namespace.Table && try(ctx, dir, false) == nil: // the computer has an emulator registered
		return false, nil
	}
	return false, Explain(first)
}

// folders makes a folder and those above it, and says which it made, the
// deepest first.
func folders(dir string) (made []string, err error) {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !os.IsNotExist(err) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		if errors.Is(err, unix.EROFS) {
			return made, readOnly(dir)
		}
		return made, folder.Unusable(err)
	}
	return made, nil
}

// longest is how long a name in the store can be: a temporary one of Nix's,
// which has at most 211 bytes of what a package is called. Every usual file
// system takes that.
const longest = 255

// suits asks the file system of a folder for what a store needs of it.
func suits(dir string) error {
	var fsys unix.Statfs_t
	if err := unix.Statfs(dir, &fsys); err != nil {
		return folder.Unusable(&os.PathError{Op: "statfs", Path: dir, Err: err})
	}
	if err := judge(dir, fsys); err != nil {
		return err
	}
	try, err := os.MkdirTemp(dir, folder.Temporary)
	if err != nil {
		return folder.Unusable(err)
	}
	defer os.RemoveAll(try)
	file := filepath.Join(try, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		return folder.Unusable(err)
	}
	info := os.FileInfo(nil)
	err = errors.Join(os.Symlink("file", filepath.Join(try, "link")), os.Link(file, filepath.Join(try, "same")), os.Chmod(file, 0o444))
	if err == nil {
		info, err = os.Stat(file)
	}
	if err != nil || info.Mode().Perm() != 0o444 {
		return notUnix(dir, err)
	}
	return nil
}

// judge is what the kernel says of a file system without its being tried.
func judge(dir string, fsys unix.Statfs_t) error {
	unfit := func(why, more string) error {
		return &fault.Error{Lacks: true, Headline: dir + " is on a file system " + why + ".", Why: more, Todo: fault.Todo{folder.OtherFolder()}}
	}
	switch {
	case fsys.Flags&unix.ST_RDONLY != 0:
		return readOnly(dir)
	case fsys.Flags&unix.ST_NOEXEC != 0:
		return unfit("that does not let programs run (noexec)", "")
	case fsys.Type == unix.NFS_SUPER_MAGIC || fsys.Type == unix.SMB_SUPER_MAGIC || fsys.Type == smb2 || fsys.Type == cifs || fsys.Type == unix.AFS_SUPER_MAGIC || fsys.Type == unix.CODA_SUPER_MAGIC:
		return unfit("of another computer (NFS or the like)", "Builds fail there at random, and are slow.")
	case fsys.Namelen < longest:
		return unfit(fmt.Sprintf("whose names may have only %d characters", fsys.Namelen), "An encrypted home folder is such a one. Names in the Nix store are longer.")
	}
	return nil
}

// Types of file systems that x/sys has no names for. Source: the kernel's
// fs/smb/common/smb2pdu.h and smb1pdu.h, as statfs(2) shows them.
const (
	smb2 = 0xfe534d42
	cifs = 0xff534d42
)

func readOnly(dir string) error {
	return &fault.Error{Lacks: true, Headline: dir + " is on a file system that is read-only.", Todo: fault.Todo{folder.OtherFolder()}, Err: unix.EROFS}
}

func notUnix(dir string, err error) error {
	return &fault.Error{
		Lacks: true, Headline: dir + " is on a file system without links or permissions.",
		Why:  "Memory cards, USB sticks and the disks of Windows have such a one; the Nix store needs both.",
		Todo: fault.Todo{folder.OtherFolder()}, Err: err,
	}
}
