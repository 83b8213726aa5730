package ownnix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/osrelease"
)

// Allowed tries in a child, which then ends, all that a build will do, and says
// why that does not work here: a *fault.Error. It changes nothing. The answer is
// for now: ask again before each use.
func (n Nix) Allowed(ctx context.Context) error {
	_, err := n.allowed(ctx)
	return err
}

// allowed also says whether programs for the Pi are run by a table of our own.
func (n Nix) allowed(ctx context.Context) (table bool, err error) {
	if osrelease.Read("/").Is("nixos") {
		return false, &fault.Error{
			Lacks: true, Headline: "This computer has NixOS, where piwiz uses the Nix of the system.",
			Todo: fault.Todo{"Let it build: piwiz --builder local"},
		}
	}
	if err := n.check(); err != nil {
		return false, err
	}
	for range 10 { // another who tries may remove the folder that it made
		table, err = n.once(ctx)
		if _, gone := os.Stat(n.Dir); !errors.Is(err, unix.ENOENT) || gone == nil {
			break
		}
	}
	return table, err
}

// once tries in the folder, and leaves no folder that was not there.
func (n Nix) once(ctx context.Context) (table bool, err error) {
	made, err := folders(n.Dir)
	defer func() {
		for _, dir := range made {
			_ = os.Remove(dir) // somebody may have put something there
		}
	}()
	if err == nil {
		err = suits(n.Dir)
	}
	if err != nil {
		return false, err
	}
	return n.try(ctx)
}

// try makes a namespace, first with a table of our own.
func (n Nix) try(ctx context.Context) (table bool, err error) {
	err = namespace.Try(ctx, n.Dir, true)
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
			Todo: append(durable.Remedy(err, n.Dir), "If piwiz was updated since "+namespace.Copy+" was installed, install that again."),
		}
	}
	if first.Step == namespace.Table { // the computer may have an emulator registered
		if namespace.Try(ctx, n.Dir, false) == nil {
			return false, nil
		}
	}
	return false, n.explain(first)
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
		return made, unusable(err)
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
		return unusable(&os.PathError{Op: "statfs", Path: dir, Err: err})
	}
	if err := judge(dir, fsys); err != nil {
		return err
	}
	try, err := os.MkdirTemp(dir, ".try-")
	if err != nil {
		return unusable(err)
	}
	defer os.RemoveAll(try)
	file := filepath.Join(try, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		return unusable(err)
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
		return &fault.Error{Lacks: true, Headline: dir + " is on a file system " + why + ".", Why: more, Todo: fault.Todo{otherFolder()}}
	}
	switch {
	case fsys.Flags&unix.ST_RDONLY != 0:
		return readOnly(dir)
	case fsys.Flags&unix.ST_NOEXEC != 0:
		return unfit("that does not let programs run (noexec)", "")
	case fsys.Type == unix.NFS_SUPER_MAGIC || fsys.Type == unix.SMB_SUPER_MAGIC || fsys.Type == smb2 || fsys.Type == cifs || fsys.Type == unix.AFS_SUPER_MAGIC || fsys.Type == unix.CODA_SUPER_MAGIC:
		return unfit("of another computer (NFS or the like)", "Builds fail there at random, and are slow.")
	case fsys.Namelen < longest:
		return unfit(fmt.Sprintf("whose names may have only %d characters", fsys.Namelen), "An encrypted home folder is such a one. Names in the store of Nix are longer.")
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
	return &fault.Error{Lacks: true, Headline: dir + " is on a file system that is read-only.", Todo: fault.Todo{otherFolder()}, Err: unix.EROFS}
}

func notUnix(dir string, err error) error {
	return &fault.Error{
		Lacks: true, Headline: dir + " is on a file system without links or permissions.",
		Why:  "Memory cards, USB sticks and the disks of Windows have such a one; the store of Nix needs both.",
		Todo: fault.Todo{otherFolder()}, Err: err,
	}
}

// otherFolder is usually on the disk of the system, and kept over a restart.
func otherFolder() string {
	return fmt.Sprintf("Choose another folder: piwiz --own-nix-dir /var/tmp/piwiz-%d/nix", os.Getuid())
}
