package detect

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Messages as the kernel sends them; the last two were not sent by it.
var messages = map[string]bool{
	"add@/devices/pci0000:00/usb2/2-3/host6/target6:0:0/6:0:0:0/block/sda\x00ACTION=add\x00DEVPATH=/devices/pci0000:00/usb2/2-3/host6/target6:0:0/6:0:0:0/block/sda\x00SUBSYSTEM=block\x00MAJOR=8\x00MINOR=0\x00DEVNAME=sda\x00DEVTYPE=disk\x00DISKSEQ=9\x00SEQNUM=4000\x00": true,
	"change@/devices/virtual/block/loop0\x00ACTION=change\x00DEVPATH=/devices/virtual/block/loop0\x00SUBSYSTEM=block\x00DISK_MEDIA_CHANGE=1\x00SEQNUM=1\x00":                                                                                                                 true,
	"remove@/devices/block/sda/sda1\x00ACTION=remove\x00SUBSYSTEM=block\x00":          true,
	"add@/devices/pci0000:00/usb2/2-3\x00ACTION=add\x00SUBSYSTEM=usb\x00SEQNUM=1\x00": false,
	"add@/devices/x\x00ACTION=add\x00SUBSYSTEM=blocks\x00":                            false,
	"add@/devices/x\x00ACTION=add\x00XSUBSYSTEM=block\x00":                            false,
	"":               false,
	"add@/devices/x": false,
	"libudev\x00\xfe\xed\xca\xfeSUBSYSTEM=block\x00": false,
	"SUBSYSTEM=block\x00":                            false,
}

func TestOnlyMessagesAboutDisksWakeUp(t *testing.T) {
	for m, want := range messages {
		if got := aboutDisk([]byte(m)); got != want {
			t.Errorf("%q: got %v", m, got)
		}
	}
}

func FuzzKernelMessage(f *testing.F) {
	for m := range messages {
		f.Add([]byte(m))
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		if aboutDisk(m) && (!bytes.Contains(m, []byte("\x00SUBSYSTEM=block")) || !bytes.Contains(m, []byte("@/"))) {
			t.Errorf("%q wakes up", m)
		}
		whole := append([]byte("add@/devices/x\x00"), m...)
		if !aboutDisk(append(whole, "\x00SUBSYSTEM=block\x00"...)) {
			t.Errorf("fields before the right one hide it: %q", m)
		}
	})
}

func wakes(t *testing.T, c <-chan struct{}, within time.Duration) bool {
	t.Helper()
	select {
	case _, ok := <-c:
		if !ok {
			t.Fatal("the watch has ended")
		}
		return true
	case <-time.After(within):
		return false
	}
}

func TestWithoutTheKernelTheClockWakesUp(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c := watch(ctx, 20*time.Millisecond)
	for range 3 {
		if !wakes(t, c, 5*time.Second) {
			t.Fatal("no message in five seconds")
		}
	}
	stop()
	for range c { // one may be waiting; then the channel is closed
	}
}

// The clock is stopped, so that only the kernel can wake up: by a new disk
// and by its end.
func TestANewDiskWakesUpWithinASecond(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and loop devices: set PIWIZ_REAL=1")
	}
	file := filepath.Join(t.TempDir(), "card.img")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	c := watch(t.Context(), time.Hour)
	for wakes(t, c, 300*time.Millisecond) { // events of others
	}
	out, err := exec.Command("losetup", "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v\n%s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	if !wakes(t, c, time.Second) {
		t.Error("a new disk did not wake up within a second")
	}
	for wakes(t, c, 300*time.Millisecond) {
	}
	if out, err := exec.Command("losetup", "-d", dev).CombinedOutput(); err != nil {
		t.Fatalf("losetup: %v\n%s", err, out)
	}
	if !wakes(t, c, time.Second) {
		t.Error("the end of a disk did not wake up within a second")
	}
}

// The wizard can open its card page many times.
func TestAWatchEndsWithItsContextAndLeavesNoSocket(t *testing.T) {
	before := sockets(t)
	for range 20 {
		ctx, stop := context.WithCancel(t.Context())
		c := watch(ctx, time.Hour)
		stop()
		for range c {
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for sockets(t) > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := sockets(t); n > before {
		t.Errorf("%d sockets are left open", n-before)
	}
}

func sockets(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, fd := range fds {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}
