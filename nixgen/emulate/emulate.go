// Package emulate says whether this computer runs programs for the Pi's
// processor (aarch64): by itself, or by QEMU through binfmt_misc.
//
// Rule: it is proven by running one. The kernel's table may be called by any
// name and filled in many ways; only the result counts.
package emulate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Reason is why programs for aarch64 do not run here.
type Reason string

// The reasons.
const (
	NotRegistered      Reason = "no emulator is registered"   // the kernel said ENOEXEC
	InterpreterMissing Reason = "the emulator is missing"     // the kernel said ENOENT
	Broken             Reason = "the emulator does not work"  // it ran and gave a wrong answer
	NotTried           Reason = "the test could not be begun" // no folder to run a program from
)

// Error says why, and what to do on this distribution.
type Error struct {
	Reason Reason
	Err    error
	distro string // ID and ID_LIKE of os-release
}

func (e *Error) Error() string {
	return fmt.Sprintf("This computer cannot run programs for the Raspberry Pi yet: %s.", e.Reason)
}

// Unwrap is what the kernel or the program answered.
func (e *Error) Unwrap() error { return e.Err }

// Hints are the commands for the distribution of this computer.
func (e *Error) Hints() []string {
	if e.Reason == NotTried {
		return []string{"Let piwiz run a small test program: set TMPDIR to a folder of yours, e.g. TMPDIR=$HOME piwiz"}
	}
	is := func(names ...string) bool {
		for id := range strings.FieldsSeq(e.distro) {
			if slices.Contains(names, id) {
				return true
			}
		}
		return false
	}
	switch {
	case is("nixos"):
		return []string{
			`Add to this computer's configuration: boot.binfmt.emulatedSystems = [ "aarch64-linux" ];`,
			"Then: sudo nixos-rebuild switch",
		}
	case is("fedora", "rhel"):
		return []string{"sudo dnf install qemu-user-static-aarch64", "sudo systemctl restart systemd-binfmt"}
	case is("arch"):
		return []string{"sudo pacman -S qemu-user-static qemu-user-static-binfmt", "sudo systemctl restart systemd-binfmt"}
	case is("debian", "ubuntu"):
		return []string{"sudo apt-get install qemu-user-static binfmt-support", "sudo systemctl restart binfmt-support"}
	}
	return []string{"Install QEMU's user emulation for aarch64 (often called qemu-user-static) and restart systemd-binfmt."}
}

// Check runs a small aarch64 program. It returns nil when that works, else an
// *Error with hints.
func Check(ctx context.Context) error {
	err := run(ctx, program())
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{Reason: reason(err), Err: err, distro: distro()}
}

// errWritten marks failures before the program was started.
var errWritten = errors.New("write the test program")

func reason(err error) Reason {
	switch {
	case errors.Is(err, errWritten), errors.Is(err, os.ErrPermission):
		return NotTried
	case errors.Is(err, syscall.ENOEXEC):
		return NotRegistered
	case errors.Is(err, os.ErrNotExist):
		return InterpreterMissing
	}
	return Broken
}

// run starts the program and wants its exit status to be answer.
func run(ctx context.Context, elf []byte) error {
	dir, err := os.MkdirTemp("", "piwiz-emulate-")
	if err != nil {
		return errors.Join(errWritten, err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "aarch64")
	if err := os.WriteFile(file, elf, 0o700); err != nil {
		return errors.Join(errWritten, err)
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	for try := 0; ; try++ {
		err = exec.CommandContext(ctx, file).Run()
		// A child that another goroutine forked a moment ago may still hold the
		// file open for writing.
		if !errors.Is(err, syscall.ETXTBSY) || try == 20 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == answer {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("exit status 0 instead of %d", answer)
	}
	return err
}

func distro() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	return ids(string(text))
}

// ids are the values of ID and ID_LIKE, see os-release(5).
func ids(osRelease string) string {
	var out []string
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ID" || key == "ID_LIKE" {
			out = append(out, strings.Trim(value, `"'`))
		}
	}
	return strings.Join(out, " ")
}
