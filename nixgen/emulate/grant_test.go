package emulate

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/register"
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
		{&register.Denied{Why: "there is no QEMU", Todo: "sudo apt-get install it"}, "there is no QEMU; no emulator was registered"},
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
		var d *register.Denied
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
