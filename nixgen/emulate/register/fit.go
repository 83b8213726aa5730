package register

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/osrelease"
)

// places are where distributions put the emulator. PATH is not asked: it may
// be the user's.
var places = []string{
	"/usr/bin/qemu-aarch64-static", "/usr/local/bin/qemu-aarch64-static", "/run/current-system/sw/bin/qemu-aarch64-static",
	"/usr/bin/qemu-aarch64", "/usr/local/bin/qemu-aarch64", "/run/current-system/sw/bin/qemu-aarch64",
}

// Available says whether an emulator is installed on this computer that can be
// registered.
func Available() bool {
	_, err := find(places)
	return err == nil
}

// find is the first emulator that may be registered, by its real path.
func find(places []string) (string, error) {
	why := ""
	for _, p := range places {
		file, err := filepath.EvalSymlinks(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = fit(file)
		}
		if err == nil {
			return file, nil
		}
		if why == "" {
			why = fmt.Sprintf("%s is not used: %v", p, err)
		}
	}
	system, between := osrelease.Read("/"), " && "
	if system.Is("nixos") {
		between = " "
	}
	if why == "" {
		why = "there is no QEMU for aarch64 on this computer"
	}
	return "", denied(why, strings.Join(Install(system), between))
}

// fit is every rule about a program that the kernel will run for everybody:
// only the administrator may be able to change it, and it needs no other file,
// for there is none in Nix's sandbox.
func fit(file string) error {
	for p := file; ; p = filepath.Dir(p) {
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		// In a sticky folder (the Nix store) others may add files, but not exchange them.
		if st.Uid != 0 || st.Mode&0o022 != 0 && (!isDir || st.Mode&unix.S_ISVTX == 0) {
			return fmt.Errorf("users other than the administrator can change %s", p)
		}
		if p == file && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Mode&0o111 == 0) {
			return errors.New("it is not a program")
		}
		if p == "/" {
			break
		}
	}
	if strings.ContainsAny(file, ":\n") {
		return errors.New("its path cannot be written to the kernel's table")
	}
	f, err := elf.Open(file)
	if err != nil {
		return errors.New("it is not a program")
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return errors.New("it is not a program")
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is not static, so it would not run in Nix's sandbox")
		}
	}
	return nil
}
