package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/sshkey/keypair"
)

// usable is somebody with a saved host that can be written.
func usable(t *testing.T) person {
	t.Helper()
	u := newPerson(t)
	h, err := answers.ReadHost(strings.NewReader(goodAnswers))
	if err != nil {
		t.Fatal(err)
	}
	id, err := keypair.ForHost("bach")
	if err != nil {
		t.Fatal(err)
	}
	h.HostKey = id.PublicLine()
	if _, err := (hostfile.Store{Dir: filepath.Join(u.home, "data/piwiz/hosts")}).Save(hostfile.Saved{Host: h, Identity: id}, nil); err != nil {
		t.Fatal(err)
	}
	return u
}

// Whatever is named as an image or is beside one, the answer comes at once, and
// before a card is asked for.
func TestAnImageThatIsNoneIsRefusedBeforeTheCard(t *testing.T) {
	u := usable(t)
	fifo, page, image := filepath.Join(u.home, "fifo"), u.file("page.img.xz", "<!DOCTYPE html><html>404"), u.file("small.img", "\x01\x02")
	for _, f := range []string{fifo, image + ".sha256"} {
		if err := unix.Mkfifo(f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		image string
		words []string
	}{
		{fifo, []string{"it is a pipe", "cat " + fifo}},
		{u.home, []string{"it is a folder", "ls " + u.home}},
		{"/dev/null", []string{"a character device"}},
		{page, []string{"a web page", "browser"}},
		{image, []string{"small.img.sha256 is a pipe"}},
	} {
		_, stderr, code := u.piwiz("flash", "bach", "/dev/nothing", "--yes", "--image", c.image)
		for _, w := range c.words {
			if code != failed || !strings.Contains(stderr, w) || strings.Contains(stderr, "piwiz build") || strings.Contains(stderr, "/dev/nothing") {
				t.Errorf("%s: %d, %q does not say %q", c.image, code, stderr, w)
			}
		}
	}
	if _, stderr, code := u.piwiz("render", fifo+".toml"); code != failed {
		t.Errorf("%d %s", code, stderr)
	}
	if err := os.Rename(fifo, fifo+".toml"); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := u.piwiz("render", fifo+".toml"); code != failed || !strings.Contains(stderr, "a pipe") {
		t.Errorf("%d %s", code, stderr)
	}
}

// An image on a server that has gone holds neither the program nor, as the image
// is opened before it, a card.
func TestAnImageThatIsNeverReadIsLeftWithTheFirstSignal(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, FUSE and .ci/rig/prepare: set PIWIZ_REAL=1 and PIWIZ_RIG")
	}
	u := usable(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		mount := stalled(t, u.file("back", strings.Repeat("x", 1<<20)))
		cmd := u.command("flash", "bach", "/dev/nothing", "--yes", "--image", filepath.Join(mount, "card"))
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
			t.Fatalf("%v: it did not wait for the image: %s", s, &said)
		case <-time.After(2 * time.Second): // it reads by now
		}
		_ = cmd.Process.Signal(s)
		select {
		case <-ended:
			if code := cmd.ProcessState.ExitCode(); code != cancelled {
				t.Errorf("%v: exit code %d: %s", s, code, &said)
			}
		case <-time.After(10 * time.Second): // the image never answers
			_ = cmd.Process.Kill()
			t.Errorf("%v: it goes on", s)
		}
	}
}

// stalled is a folder with a file "card" of which no read is ever answered.
func stalled(t *testing.T, file string) string {
	t.Helper()
	mount := t.TempDir()
	rig := exec.Command(filepath.Join(os.Getenv("PIWIZ_RIG"), "slowcard"), mount, file, "1ms", "stall")
	out, err := rig.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := rig.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its end frees whoever still waits
		_ = rig.Process.Kill()
		_ = rig.Wait()
		_ = unix.Unmount(mount, unix.MNT_DETACH)
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatal(line, err)
	}
	return mount
}
