package aarch64

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheProgramIsAnELFFileForAArch64(t *testing.T) {
	f, err := elf.NewFile(bytes.NewReader(Answering()))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_AARCH64 || f.Type != elf.ET_EXEC || f.Entry != 0x400078 || len(Answering()) != 132 || len(f.Progs) != 1 {
		t.Errorf("machine %v, type %v, entry %#x, %d bytes, %d parts", f.Machine, f.Type, f.Entry, len(Answering()), len(f.Progs))
	}
}

func TestTheProgramAnswersUnderQEMU(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs qemu-aarch64-static: apt-get install qemu-user-static")
	}
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, Answering(), 0o700); err != nil {
		t.Fatal(err)
	}
	err = exec.Command(qemu, file).Run()
	var e *exec.ExitError
	if !errors.As(err, &e) || e.ExitCode() != Answer {
		t.Errorf("%v", err)
	}
}

// printf is built into each shell.
func TestTheScriptWritesTheVeryProgram(t *testing.T) {
	write, _, _ := strings.Cut(Script(), " > ")
	for _, sh := range []string{"sh", "bash", "busybox"} {
		args := []string{"-c", write}
		if sh == "busybox" {
			args = append([]string{"sh"}, args...)
		}
		if _, err := exec.LookPath(sh); err != nil {
			continue
		}
		if out, err := exec.Command(sh, args...).Output(); err != nil || !bytes.Equal(out, Answering()) {
			t.Errorf("%s: %d bytes, %v", sh, len(out), err)
		}
	}
	for out, want := range map[string]bool{"answer 42": true, "sh: 1: /tmp/program: Exec format error\nanswer 126": false, "": false} {
		if Said(out) != want {
			t.Errorf("%q: %v", out, Said(out))
		}
	}
}

func TestAnyProgramIsRunUnderItsName(t *testing.T) {
	if status, err := Run(t.Context(), []byte("#!/bin/sh\nexit 7\n"), "x"); status != 7 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	if status, err := Run(t.Context(), []byte("#!/bin/sh\nkill -9 $$\n"), "x"); err == nil {
		t.Errorf("a killed program has the status %d", status)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := Run(t.Context(), Answering(), "x"); !errors.Is(err, ErrNotWritten) {
		t.Error(err)
	}
}
