package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/cardproc"
	"piwiz/flash/device"
	"piwiz/flash/image"
)

// The test program is also a program that writes a card, in two processes.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "ask-card":
		os.Exit(cardproc.Serve(0, os.Stderr))
	case len(os.Args) > 3 && os.Args[1] == "write":
		if _, err := writeTo(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// A program with the race detector sleeps for a second before it ends, which
	// looks like a card that hangs.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // the name is a valid one
	os.Exit(m.Run())
}

func writeTo(node, path string) (Result, error) {
	c, size, err := openCard(node)
	if err != nil {
		return Result{}, err
	}
	r, err := Write(context.Background(), Job{Image: image.From{Path: path}, Card: c, CardSize: size, When: clock}, nil)
	return r, errors.Join(err, c.Close())
}

// openCard opens a node as the program does.
func openCard(node string) (c *cardproc.Card, size int64, err error) {
	f, err := os.OpenFile(node, os.O_RDWR|unix.O_DIRECT|unix.O_EXCL, 0)
	if err != nil {
		return nil, 0, err
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, 0, err
	}
	c, err = cardproc.Start(f, "/proc/self/exe", "ask-card")
	return c, size, err
}

// fastCard is a loop node without limits, and the file behind it.
func fastCard(t *testing.T, size int64) (node, file string) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and loop devices: set PIWIZ_REAL=1")
	}
	file = filepath.Join(t.TempDir(), "card.img")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, size)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "-f", "--show", "--direct-io=on", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	node = strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", node).Run() }) // ends with the machine at the latest
	return node, file
}

func TestKilledAtAnyMomentTheCardHoldsAWholeImageOrNone(t *testing.T) {
	node, file := fastCard(t, 64<<20)
	var paths [2]string
	var images [2][]byte
	for i := range images {
		images[i] = withTable(bytes.Repeat([]byte{byte(i + 1)}, 24<<20), 2048, 8192, 16384)
		images[i][440] = byte(i + 1)
		paths[i] = filepath.Join(t.TempDir(), "image.img")
		if err := os.WriteFile(paths[i], images[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if _, err := writeTo(node, paths[0]); err != nil {
		t.Fatal(err)
	}
	longest := time.Since(began) * 3 / 2
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for i := range few(100) {
		cmd := exec.Command(self, "write", node, paths[i%2])
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(longest))
		victim := "the one at the terminal"
		if i%4 < 2 || exec.Command("pkill", "-KILL", "-P", fmt.Sprint(cmd.Process.Pid)).Run() != nil {
			_ = cmd.Process.Kill() // or it has ended
		} else {
			victim = "the one that asks the card"
		}
		_ = cmd.Wait() // however it ended
		untilFree(t, node)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		state := "nothing that boots"
		for k, img := range images {
			if bytes.Equal(b[:512], img[:512]) {
				state = fmt.Sprint("image ", k)
				if at := device.Differs(b[:len(img)], img); at < len(img) {
					t.Fatalf("%s was killed: the card boots, but differs from byte %d on", victim, at)
				}
			}
		}
		if strings.HasPrefix(state, "nothing") && !bytes.Equal(b[:512], make([]byte, 512)) {
			t.Fatalf("%s was killed: % x", victim, b[:16])
		}
		states[state+", killed: "+victim]++
	}
	t.Log(states)
	if _, err := writeTo(node, paths[1]); err != nil {
		t.Error("the next run:", err)
	}
}

// untilFree waits for the other process to see that it is alone.
func untilFree(t *testing.T, node string) {
	t.Helper()
	for range 100 {
		f, err := os.OpenFile(node, os.O_RDWR|unix.O_EXCL, 0)
		if err == nil {
			_ = f.Close() // it was only tried
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("somebody holds the card two seconds after the kill")
}
