package cardproc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "card" {
		os.Exit(Serve(0, os.Stderr))
	}
	os.Exit(m.Run())
}

func start(t *testing.T, f *os.File) *Card {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(f, self, "card")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func file(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "card"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatIsWrittenIsInTheFileAndReadsBack(t *testing.T) {
	f := file(t)
	c := start(t, f)
	m := c.Memory()
	copy(m, "hello")
	for _, off := range []int64{0, 5 << 20} {
		if n, err := c.WriteAt(m[:4096], off); n != 4096 || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := c.Sync(); err != nil {
		t.Error(err)
	}
	if n, err := c.ReadAt(m[8192:8192+4096], 5<<20); n != 4096 || err != nil || !bytes.Equal(m[:4096], m[8192:8192+4096]) {
		t.Error(n, err)
	}
	if b, err := os.ReadFile(f.Name()); err != nil || len(b) != 5<<20+4096 || string(b[5<<20:][:5]) != "hello" {
		t.Error(len(b), err)
	}
	if size, err := c.Seek(0, io.SeekEnd); size != 5<<20+4096 || err != nil {
		t.Error(size, err)
	}
	if n, err := c.ReadAt(m[:8192], 5<<20); n != 4096 || err != io.EOF {
		t.Error(n, err)
	}
}

func TestTheErrorOfTheKernelComesThrough(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, f)
	if n, err := c.WriteAt(c.Memory()[:512], 0); n != 0 || !errors.Is(err, unix.ENOSPC) {
		t.Error(n, err)
	}
	if _, err := c.WriteAt(make([]byte, 512), 0); !errors.Is(err, errForeign) {
		t.Error(err)
	}
}

// A stopped process stands for one that hangs in the kernel.
func TestARequestThatHangsDoesNotHoldUpClose(t *testing.T) {
	c := start(t, file(t))
	if err := c.process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.process.Pid)) // proc_pid_stat(5): the state follows the name
		return bytes.Contains(stat, []byte(") T "))
	}
	for end := time.Now().Add(5 * time.Second); !stopped() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	hung := make(chan error, 1)
	go func() {
		_, err := c.ReadAt(c.Memory()[:512], 0)
		hung <- err
	}()
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	if err := c.Close(); !errors.Is(err, ErrHangs) || time.Since(began) > time.Second {
		t.Errorf("closed after %v: %v", time.Since(began), err)
	}
	if err := <-hung; !errors.Is(err, errEnded) {
		t.Error(err)
	}
	if err := c.process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-c.ended // by itself
}

func TestWhenTheOtherProcessIsKilledRequestsFail(t *testing.T) {
	c := start(t, file(t))
	if _, err := c.WriteAt(c.Memory()[:512], 0); err != nil {
		t.Fatal(err)
	}
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.ended
	if _, err := c.ReadAt(c.Memory()[:512], 0); !errors.Is(err, errEnded) {
		t.Error(err)
	}
}
