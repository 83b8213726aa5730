package emulate

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"piwiz/nixgen/aarch64"
)

func TestTheProgramIsAnELFFileForAArch64(t *testing.T) {
	f, err := elf.NewFile(bytes.NewReader(program()))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_AARCH64 || f.Type != elf.ET_EXEC || f.Entry != 0x400078 || len(program()) != 144 {
		t.Errorf("machine %v, type %v, entry %#x, %d bytes", f.Machine, f.Type, f.Entry, len(program()))
	}
}

func TestTheAnswerOfTheKernelGivesTheReason(t *testing.T) {
	for want, err := range map[Reason]error{
		NotRegistered:      &fs.PathError{Op: "fork/exec", Path: "x", Err: syscall.ENOEXEC},
		InterpreterMissing: &fs.PathError{Op: "fork/exec", Path: "x", Err: syscall.ENOENT},
		NotTried:           &fs.PathError{Op: "fork/exec", Path: "x", Err: syscall.EACCES},
		Broken:             errors.New("signal: segmentation fault"),
	} {
		if got := reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	for _, err := range []error{nil, errRenamed} {
		if got := reason(err); got != "" {
			t.Errorf("%v: %q", err, got)
		}
	}
	if got := reason(fmt.Errorf("%w: %w", aarch64.ErrNotWritten, fs.ErrNotExist)); got != NotTried {
		t.Errorf("no folder: %q", got)
	}
}

func TestAProgramThatExitsOtherwiseIsNoProof(t *testing.T) {
	if err := run(t.Context(), []byte("#!/bin/sh\nexit 42\n")); err != nil {
		t.Errorf("exit 42: %v", err)
	}
	for _, script := range []string{"#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 7\n", "#!/bin/sh\nkill -9 $$\n", "#!/bin/sh\nexit 49\n"} {
		if err := run(t.Context(), []byte(script)); err == nil || reason(err) != Broken {
			t.Errorf("%q: %v", script, err)
		}
	}
	if err := run(t.Context(), []byte("#!/bin/sh\nexit 48\n")); !errors.Is(err, errRenamed) {
		t.Errorf("exit 48: %v", err)
	}
	if err := run(t.Context(), []byte("#!/nonexistent/qemu\n")); reason(err) != InterpreterMissing {
		t.Errorf("interpreter missing: %v", err)
	}
}

func TestACancelledCheckSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The machine may or may not emulate: either way the answer is nil or an
// *Error with hints.
func TestCheckAnswersOnThisMachine(t *testing.T) {
	err := Check(t.Context())
	var e *Error
	if err != nil && (!errors.As(err, &e) || len(e.Hints()) == 0) {
		t.Errorf("error %v", err)
	}
}
