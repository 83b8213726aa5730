package emulate

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func socketpair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

func nobody(string) string { return "" }

func TestOnlyASocketOfTheUserIsServed(t *testing.T) {
	ours, _ := socketpair(t)
	if err := checkPeer(int(ours.Fd()), nobody); err != nil {
		t.Errorf("the user's own: %v", err)
	}
	for _, name := range []string{"SUDO_UID", "PKEXEC_UID"} {
		for _, value := range []string{"4294967290", "-1", "root", "4294967296"} {
			if err := checkPeer(int(ours.Fd()), func(k string) string { return map[string]string{name: value}[k] }); err == nil {
				t.Errorf("%s=%s: the socket was taken", name, value)
			}
		}
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkPeer(int(f.Fd()), nobody); err == nil {
		t.Error("a file was taken for a socket")
	}
	var said bytes.Buffer
	if code := Serve(f, &said); code != usage || !strings.Contains(said.String(), "run piwiz instead") {
		t.Errorf("%d, %s", code, &said)
	}
}

func TestTheAnswerArrivesAsItWasGiven(t *testing.T) {
	for _, c := range []struct {
		problem error
		want    string
	}{
		{nil, ""},
		{&Denied{"there is no QEMU", "sudo apt-get install it"}, "there is no QEMU; no emulator was registered"},
		{errors.New("open the table: permission denied"), "open the table: permission denied"},
	} {
		ours, theirs := socketpair(t)
		if err := answerTo(theirs, c.problem); err != nil {
			t.Fatal(err)
		}
		err := (&Registrar{socket: ours}).reply()
		if got := ""; err != nil {
			got = err.Error()
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("nothing, want %q", c.want)
		}
		var d *Denied
		if errors.As(c.problem, &d) && (!errors.As(err, &d) || d.Hints()[0] != "sudo apt-get install it") {
			t.Errorf("the hint is lost: %v", err)
		}
	}
}

func TestNonsenseAndSilenceAreNoAnswer(t *testing.T) {
	for _, c := range []struct {
		text string
		code int
		want string
	}{
		{"{}", 0, "no sensible answer"}, // no end of the line
		{"hello\n", 0, "no sensible answer"},
		{strings.Repeat("x", 1<<17), 0, "no sensible answer"},
		{"", 1, "administrator rights were not given"},
		{"", usage, "does not connect what it runs with piwiz"},
	} {
		ours, theirs := socketpair(t)
		ended := make(chan int, 1)
		ended <- c.code
		go func() {
			_, _ = theirs.WriteString(c.text) // it is not read to its end
			_ = theirs.Close()
		}()
		if err := (&Registrar{socket: ours, ended: ended}).reply(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.10q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestTheCommandCanBePastedIntoAShell(t *testing.T) {
	for self, want := range map[string]string{"/usr/bin/piwiz": "/usr/bin/piwiz grant emulation", "/home/a b/it's": `'/home/a b/it'\''s' grant emulation`} {
		if got := (&Registrar{Self: self}).Command(); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s", self, got)
		}
	}
}

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
		write("everybody's", string(program()), 0o777): "others than the administrator can change",
		write("the group's", string(program()), 0o775): "others than the administrator can change",
		write("open/within", string(program()), 0o755): "others than the administrator can change",
		filepath.Join(dir, "nothing"):                  "no such file",
		"/etc/passwd":                                  "not a program",
		"/etc":                                         "not a program",
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
	fine := write("fine", string(program()), 0o755)
	if err := fit(fine); err != nil {
		t.Errorf("a static program of root: %v", err)
	}
	for p, want := range map[string]string{
		write("a:b", string(program()), 0o755):    "cannot be written to the kernel's table",
		write("text", "#!/bin/sh\n", 0o755):       "not a program",
		write("kept", string(program()), 0o644):   "not a program",
		write("object", object(program()), 0o755): "not a program",
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
func object(elf []byte) string {
	elf[16] = 1
	return string(elf)
}

func TestTheFirstFitEmulatorIsTakenByItsRealPath(t *testing.T) {
	_, err := find([]string{"/nonexistent/a", "/etc/passwd"})
	var d *Denied
	if !errors.As(err, &d) || !strings.Contains(d.Error(), "/etc/passwd is not taken: it is not a program") || len(d.Hints()) == 0 {
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
	if err := errors.Join(os.WriteFile(real, program(), 0o700), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	if got, err := find([]string{"/etc/passwd", link}); got != real {
		t.Errorf("%q, %v", got, err)
	}
}
