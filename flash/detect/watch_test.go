package detect

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

// The test program is also an ordinary user's, who follows the disks. The clock
// is stopped, so that only the kernel can wake up.
func init() {
	if os.Getenv("PIWIZ_TEST_FOLLOWER") == "" {
		return
	}
	c := watch(context.Background(), time.Hour)
	for {
		all, err := List(context.Background(), "/")
		if err != nil {
			panic(err)
		}
		fmt.Print(os.Getuid(), ":")
		for _, d := range all {
			fmt.Printf(" %s=%d", d.Path, d.Size)
		}
		fmt.Println()
		<-c
	}
}

// follower starts it as nobody and gives the lines it writes.
func follower(t *testing.T) <-chan string {
	t.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "piwiz-follower-") // that of the test is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "follower")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Dir, cmd.Env, cmd.Stderr = "/", []string{"PIWIZ_TEST_FOLLOWER=yes"}, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
		close(lines)
		_ = cmd.Wait() // it ends with the test, killed
	}()
	return lines
}

func follow(t *testing.T, lines <-chan string, within time.Duration, ok func(string) bool) {
	t.Helper()
	last, end := "", time.After(within)
	for {
		select {
		case line, open := <-lines:
			if last = line; !open {
				t.Fatal("the follower has ended")
			}
			if ok(line) {
				return
			}
		case <-end:
			t.Fatalf("not within %v; the last list was %q", within, last)
		}
	}
}

func TestAnOrdinaryUserSeesADiskComeAndGoWithinASecond(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and loop devices: set PIWIZ_REAL=1")
	}
	file := filepath.Join(t.TempDir(), "card.img")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := follower(t)
	follow(t, lines, 10*time.Second, func(line string) bool { return strings.HasPrefix(line, "65534:") })
	out, err := exec.Command("losetup", "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v\n%s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	there := func(line string) bool { return strings.Contains(line+" ", " "+dev+"=1048576 ") }
	follow(t, lines, time.Second, there)
	if out, err := exec.Command("losetup", "-d", dev).CombinedOutput(); err != nil {
		t.Fatalf("losetup: %v\n%s", err, out)
	}
	follow(t, lines, time.Second, func(line string) bool { return !there(line) })
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
