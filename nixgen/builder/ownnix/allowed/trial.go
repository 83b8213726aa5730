package allowed

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
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/namespace"
)

// verb is the first argument with which this program is started again in a
// namespace, in the place of Nix.
const verb = "own-nix-trial"

// The steps of the trial, after those of the namespace.
const (
	sandboxClone namespace.Step = "make the namespaces of a sandbox"
	sandboxMount namespace.Step = "make the mounts of a sandbox"
	sandboxNet   namespace.Step = "make the network of a sandbox"
	run          namespace.Step = "run a program for the Raspberry Pi"
)

// Inside is for main to call before anything else: it does what this program
// was started again for, and then does not return. Otherwise it returns at once.
func Inside() {
	namespace.Inside()
	switch {
	case len(os.Args) < 3 || os.Args[1] != verb:
	case os.Args[2] == "sandbox":
		namespace.End(sandbox())
	default:
		namespace.End(nixlike())
	}
}

// try makes a namespace on the file system of the folder dir, and in it a sandbox
// as Nix makes one, where a program for the Pi's processor is run; then all of it
// is gone. What a build will do is done, so nothing is believed. Without table the
// program is left to whatever the computer has for it. The error is a
// *namespace.Refusal for a step that the kernel refused.
func try(ctx context.Context, dir string, table bool) (err error) {
	if !namespace.Called {
		return namespace.ErrNotCalled
	}
	nix, err := os.MkdirTemp(dir, folder.Temporary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(nix)) }()
	files := map[string][]byte{"program": aarch64.Answering()}
	s := namespace.Space{Nix: nix, Folders: libraries()}
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
	through := s.Through("/proc/self/exe")
	cmd := exec.CommandContext(ctx, through[0], append(through[1:], verb, "nix")...)
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
		if r, ok := namespace.Refused(lines.Text()); ok {
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

// nixlike makes the namespaces of a sandbox. Source: NixOS/nix
// src/libstore/unix/build/linux-derivation-builder.cc.
func nixlike() (int, error) {
	return namespace.Start(sandboxClone, []string{"/proc/self/exe", verb, "sandbox"}, &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}, // only 0 keeps its rights over an exec
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	})
}

// sandbox makes what Nix makes in there, and runs a program for the Pi.
func sandbox() (int, error) {
	const root = "/tmp"
	err := namespace.Do(sandboxMount, root, func() error {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("none", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return err
		}
		if err := namespace.ShowAt("/nix", root+"/nix"); err != nil {
			return err
		}
		if err := os.Mkdir(root+"/proc", 0o755); err != nil {
			return err
		}
		if err := unix.Mount("proc", root+"/proc", "proc", 0, ""); err != nil {
			return err
		}
		return namespace.ChangeRoot(root)
	})
	if err == nil {
		err = namespace.Do(sandboxNet, "lo", loopback)
	}
	if err != nil {
		return 0, err
	}
	status, err := namespace.Start(run, []string{"/nix/program"}, nil)
	if err == nil && status != aarch64.Answer {
		err = &namespace.Refusal{Step: run, Path: "/nix/program", Status: status}
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
