package root

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWrongUseEndsWithCodeTwoAndASentence(t *testing.T) {
	table := Table{"look": {
		Takes: func(words []string) bool { return len(words) == 0 },
		Do:    func(uint32, []string) Done { t.Error("it was done"); return Done{} },
	}}
	for _, args := range [][]string{nil, {"look", "/etc"}, {"shell"}, {""}, {"LOOK"}, {"look"}} {
		var stderr bytes.Buffer // a file is no socket
		if code := table.Serve(args, file(t, ""), &stderr); code != usage || !strings.Contains(stderr.String(), "run piwiz instead") {
			t.Errorf("%q: %d, %q", args, code, &stderr)
		}
	}
}

// files are a pair of sockets.
func files(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(p[0]), "ours"), os.NewFile(uintptr(p[1]), "theirs")
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// What must not last is put back once, however the ordinary half ends.
func TestWhatMustNotLastIsPutBackHoweverItEnds(t *testing.T) {
	for name, c := range map[string]struct {
		done        Done
		gone        bool // nobody reads the answer
		signal      bool
		ends        bool // the other half closes its end later
		code        int
		interrupted []bool // each call of End
	}{
		"the other half ends":              {Done{}, false, false, true, 0, []bool{false}},
		"a signal":                         {Done{}, false, true, false, 0, []bool{true}},
		"nobody is left to be told":        {Done{}, true, false, false, failed, []bool{true}},
		"it failed":                        {Done{Err: errors.New("no")}, false, false, true, failed, nil},
		"it was refused":                   {Done{Err: errors.New("no"), Refused: true}, false, false, true, refused, nil},
		"it failed, and nobody is told":    {Done{Err: errors.New("no")}, true, false, false, failed, nil},
		"a result that cannot be answered": {Done{Result: &letters{Files: map[string][]byte{"a": make([]byte, maxReply)}}}, false, false, true, failed, []bool{true}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := files(t)
			if c.gone {
				_ = ours.Close()
			}
			signals := make(chan os.Signal, 1)
			if c.signal {
				signals <- unix.SIGTERM
			}
			if c.ends {
				time.AfterFunc(20*time.Millisecond, func() { _ = ours.Close() })
			}
			var calls []bool
			c.done.End = func(interrupted bool) error { calls = append(calls, interrupted); return nil }
			if code := c.done.finish(theirs, &bytes.Buffer{}, signals); code != c.code || !slices.Equal(calls, c.interrupted) {
				t.Errorf("ended with %d, put back %v; want %d, %v", code, calls, c.code, c.interrupted)
			}
		})
	}
}

func TestWhatCannotBePutBackIsSaid(t *testing.T) {
	ours, f := files(t)
	if err := unix.Shutdown(int(ours.Fd()), unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	d := Done{End: func(bool) error { return errors.New("the emulator is still there") }}
	if code := d.finish(f, &stderr, nil); code != failed || !strings.Contains(stderr.String(), "the emulator is still there") {
		t.Errorf("%d, %s", code, &stderr)
	}
}

func TestTheResultIsZeroedWhenItWasSent(t *testing.T) {
	ours, theirs := files(t)
	secret := []byte("sesame")
	d := Done{Result: &letters{Files: map[string][]byte{"Home.psk": secret}}}
	if code := d.finish(theirs, &bytes.Buffer{}, nil); code != 0 {
		t.Errorf("ended with %d", code)
	}
	if string(secret) == "sesame" {
		t.Error("it was kept")
	}
	var got letters
	if _, err := receive(int(ours.Fd()), &got); err != nil || string(got.Files["Home.psk"]) != "sesame" {
		t.Errorf("%q, %v", got, err)
	}
}
