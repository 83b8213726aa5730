package register

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/fault"
)

func TestOnlyWhatNobodyElseCanChangeIsRegistered(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil { // past the umask
			t.Fatal(err)
		}
		return p
	}
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		write("everybody's", string(program), 0o777): "users other than the administrator can change",
		write("the group's", string(program), 0o775): "users other than the administrator can change",
		write("open/within", string(program), 0o755): "users other than the administrator can change",
		filepath.Join(dir, "nothing"):                "no such file",
		"/etc/passwd":                                "not a program",
		"/etc":                                       "not a program",
	} {
		if err := fit(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Skip("there is no /bin/sh")
	}
	if err := fit(sh); err != nil && !strings.Contains(err.Error(), "not static") {
		t.Errorf("%s: %v", sh, err)
	}
	if os.Getuid() != 0 {
		t.Skip("the files of root cannot be made by others")
	}
	fine := write("fine", string(program), 0o755)
	if err := fit(fine); err != nil {
		t.Errorf("a static program of root: %v", err)
	}
	for p, want := range map[string]string{
		write("a:b", string(program), 0o755):  "cannot be written to the kernel's table",
		write("text", "#!/bin/sh\n", 0o755):   "not a program",
		write("kept", string(program), 0o644): "not a program",
		write("object", object(), 0o755):      "not a program",
	} {
		if err := fit(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", p, err, want)
		}
	}
	if err := os.Chown(fine, 1, 0); err != nil {
		t.Fatal(err)
	}
	if err := fit(fine); err == nil {
		t.Error("a program of another user was taken")
	}
}

// object is a program made into an object file.
func object() string {
	elf := slices.Clone(program)
	elf[16] = 1
	return string(elf)
}

func TestTheFirstFitEmulatorIsTakenByItsRealPath(t *testing.T) {
	_, err := find([]string{"/nonexistent/a", "/etc/passwd"})
	var d *fault.Error
	if !errors.As(err, &d) || !strings.Contains(d.Error(), "/etc/passwd is not used: it is not a program") || len(d.Hints()) == 0 {
		t.Errorf("%v", err)
	}
	_, err = find([]string{"/nonexistent/a"})
	if !errors.As(err, &d) || !strings.Contains(d.Error(), "there is no QEMU for aarch64 on this computer") {
		t.Errorf("%v", err)
	}
	if os.Getuid() != 0 {
		t.Skip("the files of root cannot be made by others")
	}
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(real, program, 0o700), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	if got, err := find([]string{"/etc/passwd", link}); got != real {
		t.Errorf("%q, %v", got, err)
	}
}
