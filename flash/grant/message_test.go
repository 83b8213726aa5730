package grant

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

func TestACardGoesThroughTheSocket(t *testing.T) {
	ours, theirs := pair(t)
	if err := send(theirs, reply{}, file(t, "the card")); err != nil {
		t.Fatal(err)
	}
	_, f, err := receive(ours)
	if err != nil || f == nil {
		t.Fatalf("%v, %v", f, err)
	}
	defer f.Close()
	got := make([]byte, 8)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "the card" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLargeWifiFilesGoThroughTheSocket(t *testing.T) {
	ours, theirs := pair(t)
	want := reply{Files: map[string][]byte{"a.psk": bytes.Repeat([]byte{0, 255}, maxTotal/2)}, LeftOut: map[string]string{"b.psk": "why"}}
	sent := make(chan error, 1)
	go func() { sent <- send(theirs, want, nil) }()
	got, f, err := receive(ours)
	if err := errors.Join(err, <-sent); err != nil || f != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%d bytes, %v, %v", len(got.Files["a.psk"]), f, err)
	}
}

func TestARefusalKeepsItsReason(t *testing.T) {
	ours, theirs := pair(t)
	if err := send(theirs, reply{Refused: &Refused{"/dev/sdz", "It is a dog.", "Walk it."}}, nil); err != nil {
		t.Fatal(err)
	}
	_, _, err := receive(ours)
	var no *Refused
	if !errors.As(err, &no) || no.Error() != "/dev/sdz is not written. It is a dog." || no.Hints()[0] != "Walk it." {
		t.Errorf("%v", err)
	}
}

func TestBadRepliesAreRefusedWhole(t *testing.T) {
	body := `{"files":{"a.psk":"c2VjcmV0"}}`
	whole := fmt.Sprintf("%010d\n%s", len(body), body)
	for name, in := range map[string]string{
		"half a length":      whole[:5],
		"no text":            whole[:11],
		"cut short":          whole[:len(whole)-1],
		"no line feed":       strings.Replace(whole, "\n", " ", 1),
		"a negative length":  "-000000001\n" + body,
		"a signed length":    fmt.Sprintf("+%09d\n%s", len(body), body),
		"spaces":             fmt.Sprintf("%10d\n%s", len(body), body),
		"too long":           fmt.Sprintf("%010d\n%s", maxReply+1, strings.Repeat(" ", maxReply+1)),
		"longer than memory": "9999999999\n{}",
		"another kind":       "0000000002\n[]",
		"not JSON":           "0000000006\nsecret",
		"text behind":        "0000000005\n{} {}",
		"not base64":         "0000000027\n" + `{"files":{"a.psk":"secret"}}`[:27],
	} {
		t.Run(name, func(t *testing.T) {
			r, err := decode(strings.NewReader(in))
			if !errors.Is(err, errNonsense) || strings.Contains(err.Error(), "secret") || !reflect.DeepEqual(r, reply{}) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	if _, err := decode(strings.NewReader("")); !errors.Is(err, errSilent) {
		t.Errorf("silence: %v", err)
	}
	if r, err := decode(strings.NewReader(whole)); err != nil || string(r.Files["a.psk"]) != "secret" {
		t.Errorf("the good one: %+v, %v", r, err)
	}
}

func TestDescriptorsThatWereNotAskedForAreClosed(t *testing.T) {
	good, err := reply{}.encode()
	if err != nil {
		t.Fatal(err)
	}
	refusal, err := reply{Refused: &Refused{}}.encode()
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
			_, f, err := receive(ours)
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
	for _, r := range []reply{{}, {Error: "no"}, {Refused: &Refused{"/dev/sda", "Why.", "Todo."}}, {Files: map[string][]byte{"a.psk": []byte("x")}, LeftOut: map[string]string{"b": "c"}}} {
		b, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("0000000002\n{}rest"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := decode(bytes.NewReader(in))
		if err != nil {
			if !errors.Is(err, errNonsense) && !errors.Is(err, errSilent) {
				t.Fatalf("an error of its own: %v", err)
			}
			return
		}
		b, err := r.encode()
		if err != nil {
			t.Skip("grew above the limit when written anew")
		}
		if again, err := decode(bytes.NewReader(b)); err != nil || fmt.Sprintf("%q", again) != fmt.Sprintf("%q", r) {
			t.Errorf("%q became %q, %v", r, again, err)
		}
	})
}
