package namespace

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/aarch64"
)

// Try makes a space on the file system of the folder dir, and in it a sandbox as
// Nix makes one, where a program for the Pi's processor is run; then all of it is
// gone. What a build will do is done, so nothing is believed. Without table the
// program is left to whatever the computer has for it. The error is a *Refusal
// for a step that the kernel refused.
func Try(ctx context.Context, dir string, table bool) (err error) {
	if !called {
		return errNotCalled
	}
	nix, err := os.MkdirTemp(dir, ".try-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(nix)) }()
	files := map[string][]byte{"program": aarch64.Answering()}
	s := Space{Nix: nix, Folders: libraries()}
	if table && runtime.GOARCH != "arm64" {
		files["emulator"] = answering()
		s.Emulator, s.Flags = "/nix/emulator", "PF"
	}
	for name, file := range files {
		if err := os.WriteFile(filepath.Join(nix, name), file, 0o755); err != nil {
			return err
		}
	}
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	through := order{Space: s}.first()
	cmd := exec.CommandContext(ctx, through[0], through[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	for lines := bufio.NewScanner(&said); lines.Scan(); {
		if r, ok := Refused(lines.Text()); ok {
			return r
		}
	}
	return fmt.Errorf("try a namespace: %w: %s", err, said.Bytes())
}

// libraries are the folders of what this program loads, when it is not static:
// in the place of Nix it is started in there.
func libraries() (dirs []string) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return nil
	}
	defer f.Close()
	if !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return nil
	}
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// answering is a program for this computer's processor that answers as
// aarch64.Answering does: the smallest emulator of that one.
func answering() []byte {
	const machine, x86 = 18, 62 // where the ELF header has it, and EM_X86_64
	b := aarch64.Program(
		0x00002abf, // bf 2a 00 00 00   mov edi, 42
		0x003cb800, // b8 3c 00 00 00   mov eax, 60   exit
		0x050f0000, // 0f 05            syscall
	)
	b[machine] = x86
	return b
}

// try makes the namespaces of a sandbox. Source: NixOS/nix
// src/libstore/unix/build/linux-derivation-builder.cc.
func (o order) try() (int, error) {
	o.Stage = sandbox
	return start(SandboxClone, o.through(), nil, &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.UID, Size: 1}}, // only 0 keeps its rights over an exec
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.GID, Size: 1}},
	})
}

// sandbox makes what Nix makes in there, and runs a program for the Pi.
func (o order) sandbox() (int, error) {
	const root = "/tmp"
	err := before(SandboxMount, root, func() error {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("none", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return err
		}
		if err := show("/nix", root+"/nix"); err != nil {
			return err
		}
		if err := mount("proc", root+"/proc", 0); err != nil {
			return err
		}
		return pivot(root)
	})
	if err != nil {
		return 0, err
	}
	if err := before(SandboxNet, "lo", loopback); err != nil {
		return 0, err
	}
	status, err := start(Run, []string{"/nix/program"}, nil, nil)
	if err == nil && status != aarch64.Answer {
		err = &Refusal{Step: Run, Path: "/nix/program", Status: status}
	}
	return 0, err
}

// loopback switches the network interface of the sandbox on.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_LOOPBACK | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}
