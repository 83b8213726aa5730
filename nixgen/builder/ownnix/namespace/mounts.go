package namespace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/register"
)

// safe are the flags of what holds no programs.
const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// mounts makes the space, as the package says, and goes into it.
func (o order) mounts() error {
	root := filepath.Join(o.Nix, ".root")
	at := func(name string) string { return filepath.Join(root, name) }
	type step struct {
		Step
		path string
		do   func() error
	}
	steps := []step{
		{Private, "/", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{Root, root, func() error {
			if err := os.MkdirAll(root, 0o700); err != nil {
				return err
			}
			return unix.Mount("none", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=16m")
		}},
		{Proc, "/proc", func() error { return mount("proc", at("proc"), safe) }},
	}
	for _, dir := range append([]string{"/dev", "/etc", "/run"}, o.Folders...) {
		steps = append(steps, step{Show, dir, func() error { return ShowAt(dir, at(dir)) }})
	}
	steps = append(steps, step{Store, o.Nix, func() error { return ShowAt(o.Nix, at("nix")) }})
	if o.Emulator != "" {
		steps = append(steps, step{Table, "/.binfmt", func() error { return mount("binfmt_misc", at(".binfmt"), safe) }})
	}
	steps = append(steps, step{Pivot, root, func() error { return ChangeRoot(root) }})
	if o.Emulator != "" {
		steps = append(steps, step{Register, o.Emulator, func() error {
			if err := os.WriteFile("/.binfmt/register", []byte(register.Line("aarch64", o.Emulator, o.Flags)), 0); err != nil {
				return err
			}
			// The table is owned by the caller's number, which the program has too.
			return unix.Mount("", "/.binfmt", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|safe, "")
		}})
	}
	for _, s := range steps {
		if err := Do(s.Step, s.path, s.do); err != nil {
			return err
		}
	}
	return nil
}

// mount mounts a file system of the kernel's.
func mount(kind, to string, flags uintptr) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return unix.Mount(kind, to, kind, flags, "")
}

// ShowAt makes a folder or file visible under another name. A computer may have no
// /run.
func ShowAt(from, to string) error {
	info, err := os.Stat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist) && from == "/run":
		return nil
	case err == nil && !info.IsDir():
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, nil, 0o600)
		}
	case err == nil:
		err = os.MkdirAll(to, 0o755)
	}
	if err != nil {
		return err
	}
	return unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
}

// ChangeRoot makes root the root, and nothing of the old one stays visible.
func ChangeRoot(root string) error {
	for _, dir := range []string{"tmp", ".old", "var"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	// Old links in /etc lead by way of it.
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := unix.PivotRoot(root, filepath.Join(root, ".old")); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.old", unix.MNT_DETACH); err != nil {
		return err
	}
	return errors.Join(os.Remove("/.old"), os.Chmod("/tmp", 0o1777))
}
