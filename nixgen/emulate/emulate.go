// Package emulate says whether this computer runs programs for the Pi's
// processor (aarch64): by itself, or by QEMU through binfmt_misc. Where it
// does not, it can register QEMU for the time of a build.
//
// Rule: it is verified by running one. The kernel's table may be called by any
// name and filled in many ways; it only says why a program does not run, and
// whether it will run in Nix's sandbox too.
//
// Registering needs administrator rights: register is what root does, and Begin
// gets the way to ask for it as a function.
package emulate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/osrelease"
)

// Check runs a small aarch64 program and reads the kernel's table of
// emulators. It returns nil when builds will work, else an *Error with hints.
func Check(ctx context.Context) error {
	_, err := Inspect(ctx)
	var e *Error
	if errors.As(err, &e) && e.Reason == LeftOver {
		return nil
	}
	return err
}

// Inspect is Check that also tells what stops no build: an *Error for LeftOver,
// and notes.
func Inspect(ctx context.Context) (notes []string, err error) {
	return inspect(ctx, binfmt.Dir)
}

func inspect(ctx context.Context, dir string) ([]string, error) {
	ran := run(ctx, program())
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if ran == nil && runtime.GOARCH == "arm64" {
		return nil, nil
	}
	t, err := readTable(dir)
	if err != nil {
		// What cannot be read hides only why. /proc may be hidden on purpose.
		t = binfmt.Table{Mounted: true}
	}
	version := 0
	if u := t.Used(); u.Interpreter != "" {
		version = versionOf(ctx, u)
	}
	notes, problem := judge(ran, t, version, hasOwn(t) && register.Held(dir))
	if problem != nil {
		return notes, problem.on(osrelease.Read("/"))
	}
	return notes, nil
}

// judge puts together what the program answered, what the table says, the
// version of QEMU (0: unknown), and whether a running piwiz holds its own entry.
func judge(ran error, t binfmt.Table, version int, held bool) (notes []string, problem *Error) {
	u := t.Used()
	is := func(r Reason) *Error {
		return &Error{Reason: r, Err: ran, entry: u, absent: t.Absent, version: version}
	}
	why := reason(ran)
	switch {
	case version > 0 && version < oldest:
		return nil, is(OldQEMU)
	case why == NotRegistered && !t.Mounted:
		return nil, is(NotMounted)
	case why == NotRegistered && (t.Off || u.Name != "" && !u.Enabled):
		if t.Off {
			u = binfmt.Entry{} // the switch of the whole table
		}
		return nil, is(Disabled)
	case why == NotRegistered && u.Name != "":
		return nil, is(Broken) // the kernel cannot run the emulator itself
	case why == NotTried && u.Enabled && !errors.Is(ran, aarch64.ErrNotWritten):
		return nil, is(Broken) // likewise
	case why != "":
		return nil, is(why)
	case hasOwn(t) && !held:
		u = binfmt.Entry{Name: register.Name}
		return nil, is(LeftOver)
	case u.Enabled && !u.Has("F") && !strings.HasPrefix(u.Interpreter, nixosDir):
		return nil, is(NotInSandbox)
	}
	if errors.Is(ran, errRenamed) {
		notes = append(notes, fmt.Sprintf("The emulator %s is registered without the flag P: programs that check the name they are called by may fail.", binfmt.Printable(u.Name)))
	}
	if u.Enabled && hasOwn(t) && u.Name == register.Name {
		notes = append(notes, "Another piwiz registered the emulator and removes it when it ends; wait for that.")
	}
	return notes, nil
}

const (
	// oldest is the first version of QEMU that is good enough. Before it
	// programs failed at random to allocate memory.
	oldest = 5
	// nixosDir holds NixOS's emulators; it shows them to Nix's sandbox, so
	// they need no flag F (nixos/modules/system/boot/binfmt.nix).
	nixosDir = "/run/binfmt/"
)

var (
	errRenamed = errors.New("it ran under another name")
	errShifted = errors.New("the emulator does not know the flag P that it is registered with")
)

// reason is why the program did not run, empty when it did.
func reason(err error) Reason {
	switch {
	case err == nil, errors.Is(err, errRenamed):
		return ""
	case errors.Is(err, aarch64.ErrNotWritten), errors.Is(err, os.ErrPermission):
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
	status, err := aarch64.Run(ctx, elf, argv0)
	switch {
	case err != nil:
		return err
	case status == answer:
		return nil
	case status == renamed:
		return errRenamed
	case status == shifted:
		return errShifted
	}
	return fmt.Errorf("exit status %d instead of %d", status, answer)
}
