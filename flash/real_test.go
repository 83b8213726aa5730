package flash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/device"
)

// realCard is a loop device of SD speed, made by .ci/rig/card, and the process
// that makes it: HUP pulls the card, USR1 makes it hang, USR2 go on.
type realCard struct {
	*os.File
	rig  *exec.Cmd
	said bytes.Buffer // by the rig
}

// cardFile is what is behind a real card.
func cardFile(t *testing.T, size int64) string {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, loop devices and qemu-storage-daemon: set PIWIZ_REAL=1")
	}
	file := filepath.Join(t.TempDir(), "card.img")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, size)); err != nil {
		t.Fatal(err)
	}
	return file
}

// plug makes a card of a file, which takes and gives so many MB/s.
func plug(file string, write, read int, more ...string) (*realCard, error) {
	c := &realCard{rig: exec.Command("../.ci/rig/card", append([]string{file, fmt.Sprint(write, "000000"), fmt.Sprint(read, "000000")}, more...)...)}
	c.rig.Stderr, c.rig.WaitDelay = &c.said, time.Second
	out, err := c.rig.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.rig.Start(); err != nil {
		return nil, err
	}
	loop, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		c.File, err = os.OpenFile(strings.TrimSpace(loop), os.O_RDWR|unix.O_DIRECT|unix.O_EXCL, 0)
	}
	if err != nil {
		c.unplug()
		return nil, fmt.Errorf("the card did not start: %w\n%s", err, &c.said)
	}
	return c, nil
}

func (c *realCard) signal(s syscall.Signal) { _ = c.rig.Process.Signal(s) }

func (c *realCard) unplug() {
	_ = c.File.Close() // nil when it did not start
	c.signal(syscall.SIGTERM)
	_ = c.rig.Wait() // ends with the signal
}

// plugged is a new card that writes 40 and reads 80 MB/s.
func plugged(t *testing.T, size int64, more ...string) (c *realCard, file string) {
	t.Helper()
	file = cardFile(t, size)
	c, err := plug(file, 40, 80, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.unplug)
	return c, file
}

func TestAnImageOnARealCardIsProvenByteForByte(t *testing.T) {
	f, file := plugged(t, 64<<20)
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
	f, file := plugged(t, 64<<20, fmt.Sprint(12<<20/512))
	_, err := Write(context.Background(), job(t, img(), f, 64<<20), nil)
	if err == nil || !strings.Contains(err.Error(), "bad block, at byte 12582912 in the root partition") {
		t.Error(err)
	}
	notBootable(t, file)
}

func TestARealCardThatHangsIsSaidSoAndGoesOn(t *testing.T) {
	file := cardFile(t, 64<<20)
	f, err := plug(file, 4, 80) // slow enough to hang while it is written
	if err != nil {
		t.Fatal(err)
	}
	defer f.unplug()
	said, hangs := "", false
	_, err = Write(context.Background(), job(t, img(), f, 64<<20), func(p Progress) {
		if p.Written > 0 && !hangs {
			hangs = true
			f.signal(syscall.SIGUSR1)
		}
		if text := p.Stall(); text != "" && said == "" {
			said = text
			f.signal(syscall.SIGUSR2)
		}
	})
	if !strings.HasPrefix(said, "The card has not answered for 10 s.") {
		t.Errorf("%q", said)
	}
	want := final(t, img(), 1<<20, 4<<20)
	got, failed := os.ReadFile(file)
	if err != nil || failed != nil || !bytes.Equal(got[:len(want)], want) {
		t.Errorf("%v, %v; the card differs from byte %d on", err, failed, device.Differs(got, want))
	}
}

// Cards are pulled at moments that chance chooses, plugged in again, and
// written once more. Several at a time, because each waits for its card most
// of the time.
func TestACardThatIsPulledAtAnyMomentIsNamedAndTheNextRunSucceeds(t *testing.T) {
	moments, readers := few(200), 8
	var images, wants [2][]byte
	for i := range images {
		images[i] = withTable(bytes.Repeat([]byte{byte(i + 1)}, 6<<20), 2048, 2048, 4096)
		images[i][440] = byte(i + 1)
		wants[i] = final(t, images[i], 1<<20, 1<<20)
	}
	var mu sync.Mutex
	ops, left, longest := map[string]int{}, moments, time.Duration(0)
	var wg sync.WaitGroup
	for range readers {
		file, jobs := cardFile(t, 16<<20), [2]Job{job(t, images[0], nil, 16<<20), job(t, images[1], nil, 16<<20)}
		wg.Go(func() {
			whole := 800 * time.Millisecond // how long a run takes
			for i := 0; !t.Failed(); i = 1 - i {
				op, took := pullAt(t, file, jobs[i], rand.N(whole), wants)
				mu.Lock()
				if op != "" {
					ops[op]++
					left--
				}
				longest = max(longest, took)
				// A busy machine verifies for a small part of the time only.
				done := left <= 0 && ops["write"] >= moments/10 && ops["verify"] >= moments/20 || left <= -4*moments
				mu.Unlock()
				whole = wholeRun(t, file, jobs[i], wants[i])
				if done {
					return
				}
			}
		})
	}
	wg.Wait()
	if ops["write"] < moments/10 || ops["verify"] < moments/20 {
		t.Error("not the moments that were wanted")
	}
	t.Logf("pulled at %v; named after %v at most", ops, longest.Round(time.Millisecond))
}

// pullAt writes and pulls the card, and comes back with what was being done at
// that moment, "" when nothing any more, and how long it took until the error.
func pullAt(t *testing.T, file string, j Job, after time.Duration, images [2][]byte) (string, time.Duration) {
	c, err := plug(file, 20, 20)
	if err != nil {
		t.Error(err)
		return "", 0
	}
	defer c.unplug()
	j.Card = c.File
	pulled := make(chan time.Time, 1)
	pull := time.AfterFunc(after, func() {
		pulled <- time.Now()
		c.signal(syscall.SIGHUP)
	})
	_, err = Write(context.Background(), j, nil)
	if pull.Stop() || err == nil {
		return "", 0
	}
	took := time.Since(<-pulled)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "was taken out") || took > 5*time.Second {
		t.Errorf("pulled after %v: %v, after %v", after, err, took)
		return "", 0
	}
	got, err := os.ReadFile(file)
	whole := slices.ContainsFunc(images[:], func(b []byte) bool { return bytes.Equal(got[:len(b)], b) })
	if err != nil || !whole && !bytes.Equal(got[:512], make([]byte, 512)) {
		t.Errorf("pulled at %q: %v; the card is not whole, but has a partition table", e.Op, err)
	}
	return e.Op, took
}

// wholeRun plugs the card in again and writes it.
func wholeRun(t *testing.T, file string, j Job, want []byte) time.Duration {
	c, err := plug(file, 20, 20)
	if err != nil {
		t.Error(err)
		return time.Second
	}
	defer c.unplug()
	j.Card = c.File
	began := time.Now()
	_, err = Write(context.Background(), j, nil)
	took := time.Since(began)
	got, failed := os.ReadFile(file)
	if err != nil || failed != nil || !bytes.Equal(got[:len(want)], want) {
		c.unplug()
		t.Errorf("the next run: %v, %v; the card differs from byte %d on; the rig said:\n%s", err, failed, device.Differs(got, want), &c.said)
	}
	return took
}

func notBootable(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(b[:512], make([]byte, 512)) {
		t.Errorf("%v; an unfinished card has a partition table", err)
	}
}
