package flash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/device"
)

// realCard is a loop device of SD speed, made by .ci/rig/card, and the file
// behind it. It writes 40 and reads 80 MB/s.
func realCard(t *testing.T, size int64, more ...string) (card *os.File, file string, cmd *exec.Cmd) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, loop devices and qemu-storage-daemon: set PIWIZ_REAL=1")
	}
	file = filepath.Join(t.TempDir(), "card.img")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, size)); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("../.ci/rig/card", append([]string{file, "40000000", "80000000"}, more...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ends with the signal
	})
	loop, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the card did not start: %v", err)
	}
	f, err := os.OpenFile(strings.TrimSpace(loop), os.O_RDWR|unix.O_DIRECT|unix.O_EXCL, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, file, cmd
}

func TestAnImageOnARealCardIsProvenByteForByte(t *testing.T) {
	f, file, _ := realCard(t, 64<<20)
	j := job(t, img(), f, 64<<20)
	want := final(t, img(), 1<<20, 4<<20)
	for i := range 2 {
		r, err := Write(context.Background(), j, nil)
		if err != nil || (r.Written == 0) != (i == 1) {
			t.Fatalf("%v, %+v", err, r)
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("%v; the card differs from byte %d on", err, device.Differs(got, want))
		}
	}
}

func TestABadSectorOfARealCardIsNamed(t *testing.T) {
	f, file, _ := realCard(t, 64<<20, fmt.Sprint(12<<20/512))
	_, err := Write(context.Background(), job(t, img(), f, 64<<20), nil)
	if err == nil || !strings.Contains(err.Error(), "bad place, at byte 12582912 in the root partition") {
		t.Error(err)
	}
	notBootable(t, file)
}

// Two moments of writing, two of reading back.
func TestARealCardThatIsPulledIsNamed(t *testing.T) {
	for _, after := range []time.Duration{200, 400, 900, 1100} {
		f, file, cmd := realCard(t, 64<<20)
		data := withTable(bytes.Repeat([]byte{7}, 40<<20), 2048, 8192, 16384)
		time.AfterFunc(after*time.Millisecond, func() { _ = cmd.Process.Signal(syscall.SIGHUP) })
		_, err := Write(context.Background(), job(t, data, f, 64<<20), nil)
		if err == nil || !strings.Contains(err.Error(), "was taken out") {
			t.Errorf("after %d ms: %v", after, err)
		}
		notBootable(t, file)
	}
}

func notBootable(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(b[:512], make([]byte, 512)) {
		t.Errorf("%v; an unfinished card has a partition table", err)
	}
}
