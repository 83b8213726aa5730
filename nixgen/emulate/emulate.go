// Package emulate tells whether programs for the Pi's processor (aarch64) run
// on this computer, natively or by emulation.
//
// It does not look for a name in the kernel's tables: every distribution has
// its own. It runs the smallest program there is, as execve(2) and
// Documentation/admin-guide/binfmt-misc.rst of the kernel describe.
package emulate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Problem is why aarch64 programs do not run, and what to do.
type Problem struct {
	Err  error
	Todo []string
}

func (p *Problem) Error() string   { return p.Err.Error() }
func (p *Problem) Unwrap() error   { return p.Err }
func (p *Problem) Hints() []string { return p.Todo }

// The two ways in which emulation is missing.
var (
	ErrNotRegistered      = errors.New("this computer cannot run programs for the Pi yet: emulation is not set up")
	ErrInterpreterMissing = errors.New("emulation is set up, but the emulator it names is missing")
)

// answer is the exit code of the test program.
const answer = 42

// program is an ELF file of one segment that ends with the answer
// (System V ABI, AArch64: svc #0 with 93, exit, in x8).
func program() []byte {
	const base, header = 0x400000, 64 + 56
	code := []byte{0x40, 0x05, 0x80, 0xd2 /* mov x0, #42 */, 0xa8, 0x0b, 0x80, 0xd2 /* mov x8, #93 */, 1, 0, 0, 0xd4 /* svc #0 */}
	b := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	le := binary.LittleEndian
	b = le.AppendUint16(b, 2)   // executable
	b = le.AppendUint16(b, 183) // AArch64
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+header) // entry
	b = le.AppendUint64(b, 64)          // program headers
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, 0)
	for _, n := range []uint16{64, 56, 1, 0, 0, 0} {
		b = le.AppendUint16(b, n)
	}
	b = le.AppendUint32(b, 1) // load
	b = le.AppendUint32(b, 5) // readable, executable
	for _, n := range []uint64{0, base, base, uint64(header + len(code)), uint64(header + len(code)), 0x1000} {
		b = le.AppendUint64(b, n)
	}
	return append(b, code...)
}

// Check runs the test program. It returns nil when aarch64 programs run here.
func Check(ctx context.Context) error {
	dir, err := os.MkdirTemp(cacheDir(), "piwiz-aarch64-")
	if err != nil {
		return fmt.Errorf("try a program for the Pi: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "probe")
	if err := os.WriteFile(file, program(), 0o700); err != nil {
		return fmt.Errorf("try a program for the Pi: %w", err)
	}
	err = exec.CommandContext(ctx, file).Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == answer:
		return nil
	case errors.Is(err, syscall.ENOEXEC):
		return &Problem{ErrNotRegistered, remedy(distribution("/etc/os-release"))}
	case errors.Is(err, fs.ErrNotExist):
		return &Problem{ErrInterpreterMissing, remedy(distribution("/etc/os-release"))}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &Problem{fmt.Errorf("a program for the Pi does not run right here: %w", err), []string{"Update the emulator (qemu-user-static) and try again."}}
}

// cacheDir is a folder of the user's: the common temporary folder may forbid
// running programs.
func cacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil && os.MkdirAll(dir, 0o700) == nil {
		return dir
	}
	return ""
}

func distribution(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var ids string
	for line := range strings.Lines(string(b)) {
		for _, key := range []string{"ID=", "ID_LIKE="} {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
				ids += " " + strings.Trim(v, `"`)
			}
		}
	}
	return ids
}

func remedy(ids string) []string {
	for _, r := range []struct{ id, todo string }{
		{"nixos", `Add this to your configuration.nix and rebuild: boot.binfmt.emulatedSystems = [ "aarch64-linux" ];`},
		{"debian", "Run: sudo apt install qemu-user-static binfmt-support"},
		{"ubuntu", "Run: sudo apt install qemu-user-static binfmt-support"},
		{"fedora", "Run: sudo dnf install qemu-user-static-aarch64 && sudo systemctl restart systemd-binfmt"},
		{"arch", "Run: sudo pacman -S qemu-user-static qemu-user-static-binfmt && sudo systemctl restart systemd-binfmt"},
	} {
		if strings.Contains(" "+ids+" ", r.id) {
			return []string{r.todo}
		}
	}
	return []string{"Install QEMU's static user emulation for aarch64 with binfmt support; the package is often called qemu-user-static."}
}
