package regular

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever a path names, it is said at once what that is.
func TestWhatIsNoFileIsNamedAtOnce(t *testing.T) {
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{dir: "a folder", fifo: "a pipe", link: "a pipe", socket: "a socket", "/dev/null": "a character device"} {
		for name, open := range map[string]func() error{
			"Open": func() error { _, err := Open(t.Context(), path); return err },
			"Read": func() error { _, err := Read(t.Context(), path, 100); return err },
		} {
			began := time.Now()
			var e *Error
			if err := open(); !errors.As(err, &e) || !strings.Contains(err.Error(), words) || len(e.Hints()) == 0 || time.Since(began) > 5*time.Second {
				t.Errorf("%s of %s: %v after %v", name, path, err, time.Since(began))
			}
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestAFileIsReadUpToItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(t.Context(), path, 4); err != nil || string(b) != "four" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Read(t.Context(), path, 3); err == nil {
		t.Error("more than the limit was read")
	}
}

// A call that hangs is left alone, and what it gives in the end is dropped.
func TestWhatHangsIsNotWaitedFor(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	hangs, dropped := make(chan struct{}), make(chan int)
	go stop()
	if _, err := Within(ctx, func() (int, error) { <-hangs; return 7, nil }, func(v int) { dropped <- v }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(hangs)
	if v := <-dropped; v != 7 {
		t.Error(v)
	}
}
