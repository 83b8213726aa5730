package root

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/fault"
)

func pair(t *testing.T) (ours, theirs int) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(p[0]), unix.Close(p[1]) })
	return p[0], p[1]
}

func file(t *testing.T, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// descriptors counts what this program has open on the file of a test.
func descriptors(t *testing.T, f *os.File) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Skip("needs /proc to count open files")
	}
	n := 0
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && target == f.Name() {
			n++
		}
	}
	return n
}

// letters are what an operation could find out.
type letters struct {
	Files map[string][]byte `json:"files,omitempty"`
	Notes map[string]string `json:"notes,omitempty"`
}

func (l *letters) Wipe() {
	for _, b := range l.Files {
		clear(b)
	}
	*l = letters{}
}

func TestAFileGoesThroughTheSocket(t *testing.T) {
	ours, theirs := pair(t)
	if err := send(theirs, reply{}, file(t, "the card")); err != nil {
		t.Fatal(err)
	}
	f, err := receive(ours, nil)
	if err != nil || f == nil {
		t.Fatalf("%v, %v", f, err)
	}
	defer f.Close()
	got := make([]byte, 8)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "the card" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestALargeResultGoesThroughTheSocket(t *testing.T) {
	ours, theirs := pair(t)
	want := &letters{Files: map[string][]byte{"a.psk": bytes.Repeat([]byte{0, 255}, 1<<19)}, Notes: map[string]string{"b.psk": "why"}}
	sent := make(chan error, 1)
	go func() { sent <- send(theirs, reply{Result: want}, nil) }()
	var got letters
	f, err := receive(ours, &got)
	if err := errors.Join(err, <-sent); err != nil || f != nil || !reflect.DeepEqual(&got, want) {
		t.Errorf("%d bytes, %v, %v", len(got.Files["a.psk"]), f, err)
	}
}

func TestAFailureKeepsItsReason(t *testing.T) {
	for _, d := range []Done{
		{Err: &fault.Error{Headline: "/dev/sdz is not written. It is a dog.", Todo: fault.Todo{"Walk it."}}, Refused: true},
		{Err: &fault.Error{Headline: "there is no QEMU", Todo: fault.Todo{"sudo apt-get install it"}}},
		{Err: errors.New("open the table: permission denied")},
	} {
		ours, theirs := pair(t)
		if err := send(theirs, replyOf(d), nil); err != nil {
			t.Fatal(err)
		}
		_, err := receive(ours, nil)
		var no *Failure
		if !errors.As(err, &no) || no.Error() != d.Err.Error() || no.Refused != d.Refused {
			t.Errorf("%v: %v", d.Err, err)
			continue
		}
		var h *fault.Error
		if errors.As(d.Err, &h) && !slices.Equal(no.Hints(), h.Hints()) {
			t.Errorf("%v: %q", d.Err, no.Hints())
		}
	}
}

func TestBadRepliesAreRefusedWhole(t *testing.T) {
	const body = `{"result":{"files":{"a.psk":"c2VjcmV0"}}}`
	framed := func(text string) string { return fmt.Sprintf("%010d\n%s", len(text), text) }
	whole := framed(body)
	for name, in := range map[string]string{
		"half a length":            whole[:5],
		"no text":                  whole[:11],
		"cut short":                whole[:len(whole)-1],
		"no line feed":             strings.Replace(whole, "\n", " ", 1),
		"a negative length":        "-000000001\n" + body,
		"a signed length":          fmt.Sprintf("+%09d\n%s", len(body), body),
		"spaces":                   fmt.Sprintf("%10d\n%s", len(body), body),
		"too long":                 framed(strings.Repeat(" ", maxReply+1)),
		"longer than memory":       "9999999999\n{}",
		"another kind":             framed("[]"),
		"not JSON":                 framed("secret"),
		"text behind":              framed("{} {}"),
		"half a result":            framed(body[:len(body)-1]),
		"a result of another kind": framed(`{"result":{"files":{"a.psk":"c2VjcmV0"},"notes":{"secret":7}}}`),
		"not base64":               framed(`{"result":{"files":{"a.psk":"secret"}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			var got letters
			err := decode(strings.NewReader(in), &got)
			if !errors.Is(err, errNonsense) || strings.Contains(err.Error(), "secret") || !reflect.DeepEqual(got, letters{}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if err := decode(strings.NewReader(""), nil); !errors.Is(err, errSilent) {
		t.Errorf("silence: %v", err)
	}
	var got letters
	if err := decode(strings.NewReader(whole), &got); err != nil || string(got.Files["a.psk"]) != "secret" {
		t.Errorf("the good one: %+v, %v", got, err)
	}
}

func TestDescriptorsThatWereNotAskedForAreClosed(t *testing.T) {
	good, err := reply{}.encode()
	if err != nil {
		t.Fatal(err)
	}
	refusal, err := reply{Failure: &Failure{}}.encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, messages := range map[string][]struct {
		text  []byte
		count int
	}{
		"two at once":           {{good, 2}},
		"thirty at once":        {{good, 30}},
		"one with each part":    {{good[:headSize], 1}, {good[headSize:], 1}},
		"one with a refusal":    {{refusal, 1}},
		"one with nonsense":     {{[]byte("hello, world"), 1}},
		"one with half a reply": {{good[:headSize+1], 1}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := pair(t)
			card := file(t, "the card")
			before := descriptors(t, card)
			for _, m := range messages {
				fds := make([]int, m.count)
				for i := range fds {
					fds[i] = int(card.Fd())
				}
				if err := unix.Sendmsg(theirs, m.text, unix.UnixRights(fds...), nil, 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := unix.Shutdown(theirs, unix.SHUT_WR); err != nil {
				t.Fatal(err)
			}
			f, err := receive(ours, nil)
			if err == nil || f != nil {
				t.Errorf("accepted: %v, %v", f, err)
			}
			if after := descriptors(t, card); after != before {
				t.Errorf("%d files are open, %d before", after, before)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range []reply{{}, {Failure: &Failure{Text: "no"}}, {Failure: &Failure{"Why.", []string{"Todo."}, true}}, {Result: &letters{Files: map[string][]byte{"a.psk": []byte("x")}, Notes: map[string]string{"b": "c"}}}} {
		b, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("0000000002\n{}rest"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var got letters
		err := decode(bytes.NewReader(in), &got)
		var said *Failure
		switch {
		case errors.As(err, &said):
		case err != nil && !errors.Is(err, errNonsense) && !errors.Is(err, errSilent):
			t.Fatalf("an error of its own: %v", err)
		}
		if err != nil && said == nil {
			if !reflect.DeepEqual(got, letters{}) {
				t.Fatalf("a part of a reply was taken: %+v", got)
			}
			return
		}
		b, encoding := reply{Failure: said, Result: &got}.encode()
		if encoding != nil {
			t.Skip("grew above the limit when written again")
		}
		var again letters
		if e := decode(bytes.NewReader(b), &again); fmt.Sprintf("%q %v", again, e) != fmt.Sprintf("%q %v", got, err) {
			t.Errorf("%q became %q, %v", got, again, e)
		}
	})
}
