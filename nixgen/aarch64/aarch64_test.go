package aarch64

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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
