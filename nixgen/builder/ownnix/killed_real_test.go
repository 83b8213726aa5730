package ownnix

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/folder"
)

// PIWIZ_SWEEP=1 does as many as the whole sweep has.
func samples(few, all int) int {
	if os.Getenv("PIWIZ_SWEEP") == "1" {
		return all
	}
	return few
}

func TestRealInterruptedAtAnyMomentTheNextRunWorks(t *testing.T) {
	if dir := os.Getenv("PIWIZ_INTO"); dir != "" { // the run that is interrupted, and the next one
		ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
		defer stop()
		o := flake(t, dir, os.Getenv("PIWIZ_RUN"), "  fixture.pace = 0;")
		if lines, err := built(ctx, Nix{Dir: filepath.Join(dir, "nix")}, o); err != nil {
			t.Fatalf("%v\n%s", err, lines)
		}
		return
	}
	if !alone(t) {
		return
	}
	run := func(n Nix, name string) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "PIWIZ_INTO="+filepath.Dir(n.Dir), "PIWIZ_RUN="+name)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
	whole := own(t)
	began := time.Now()
	if out, err := run(whole, unique()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	takes := time.Since(began)
	ended := map[string]int{}
	for i := range samples(6, 50) {
		n, name := own(t), unique()
		cmd := run(n, name)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		at := time.Duration(rand.Int64N(int64(takes)))
		time.Sleep(at)
		how := []syscall.Signal{syscall.SIGKILL, syscall.SIGINT}[i%2]
		_ = cmd.Process.Signal(how)
		err := cmd.Wait()
		ended[stage(n)]++
		what := fmt.Sprintf("%v after %v of %v (%s, %v)", how, at, takes, stage(n), err)
		if left := left(t, n, 5*time.Second); left != "" {
			t.Fatalf("%s: left:\n%s", what, left)
		}
		if out, err := run(n, name).CombinedOutput(); err != nil {
			t.Fatalf("%s: the next run: %v\n%s", what, err, out)
		}
		if left := left(t, n, 5*time.Second); left != "" {
			t.Fatalf("%s, and the next run: left:\n%s", what, left)
		}
		sound(t, n, what)
	}
	t.Logf("interrupted, of a run of %v: %v", takes, ended)
}

// stage is how far a run was.
func stage(n Nix) string {
	for name, path := range map[string]string{"built": folder.HostRoots + "/bach", "before the fetch": "store"} {
		if _, err := os.Lstat(n.folder().At(path)); (err == nil) == (name == "built") {
			return name
		}
	}
	if _, ready := n.Ready(); !ready {
		return "fetching"
	}
	return "building"
}

// left are the processes with n in their command line or their mounts, what is
// mounted here, and the lock, when they are not gone after a while.
func left(t *testing.T, n Nix, after time.Duration) (all string) {
	t.Helper()
	dir := strings.ReplaceAll(n.Dir, " ", `\040`) // as in mountinfo
	for end := time.Now().Add(after); ; time.Sleep(20 * time.Millisecond) {
		all = ""
		list, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			line, _ := os.ReadFile(p + "/cmdline")
			mounts, _ := os.ReadFile(p + "/mountinfo")
			if p != "/proc/"+strconv.Itoa(os.Getpid()) && (bytes.Contains(line, []byte(n.Dir)) || bytes.Contains(mounts, []byte(dir))) {
				all += p + " " + strings.ReplaceAll(string(line), "\x00", " ") + "\n"
			}
		}
		if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte(dir)) {
			all += string(mounts)
		}
		if f, err := os.Open(n.folder().At("piwiz/lock")); err == nil {
			if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
				all += "the lock\n"
			}
			f.Close()
		}
		if all == "" || time.Now().After(end) {
			return all
		}
	}
}

// sound has Nix check all that is in its store.
func sound(t *testing.T, n Nix, what string) {
	t.Helper()
	h, ok := n.here()
	p, err := n.program(h)
	if err != nil || !ok {
		t.Fatal(err)
	}
	if out, err := p.run(t.Context(), nil, "nix-store", "--verify", "--check-contents"); err != nil {
		t.Errorf("%s: %v\n%s", what, err, out)
	}
	for _, pattern := range []string{"store/.part-*", "var/nix/builds/*"} {
		if left, _ := fs.Glob(os.DirFS(n.Dir), pattern); len(left) > 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
}

// kill kills one builder, and says whether there was one.
func kill(n Nix) bool {
	list, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range list {
		line, _ := os.ReadFile(p + "/cmdline")
		mounts, _ := os.ReadFile(p + "/mountinfo")
		if bytes.Contains(line, []byte("setup.sh")) && bytes.Contains(mounts, []byte(strings.ReplaceAll(n.Dir, " ", `\040`))) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			return syscall.Kill(pid, syscall.SIGKILL) == nil
		}
	}
	return false
}

func TestRealKilledBuilderIsTriedOnceMore(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	if lines, err := built(t.Context(), n, flake(t, t.TempDir(), unique(), "")); err != nil {
		t.Fatalf("%v\n%s", err, lines)
	}
	const again = "A step was killed although there is memory; piwiz tries once more.\n"
	for kills := 1; kills <= 2; kills++ {
		stop, done := make(chan bool), make(chan int)
		go func() {
			killed := 0
			for killed < kills {
				if kill(n) {
					killed++
					time.Sleep(300 * time.Millisecond) // until Nix has heard of it
				}
				select {
				case <-stop:
					done <- killed
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
			<-stop
			done <- killed
		}()
		lines, err := built(t.Context(), n, flake(t, t.TempDir(), unique(), "fixture.pace = 1;"))
		stop <- true
		killed := <-done
		told := strings.Contains(lines, "signal 9 (Killed)")
		if killed != kills || (err == nil) != (kills == 1) || !strings.Contains(lines, again) || told != (kills == 2) {
			t.Errorf("%d of %d kills, %v\n%s", killed, kills, err, lines)
		}
	}
}

func TestRealTooLittleRoomIsSaidBeforeTheDownload(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	if err := os.Mkdir(filepath.Join(filepath.Dir(n.Dir), "small"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(n.Dir), "small")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PIWIZ_SMALL="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := string(out)
	want := fmt.Sprintf("There is too little room in %s/nix: 41 MB are free, and %s MB are needed.\n"+
		"- See what fills the disk: df -h '%[1]s/nix'\n- Choose another folder: piwiz --own-nix-dir /var/tmp/piwiz-0/nix\n", dir, need(got))
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// fetched is Fetch for a program that ends with it.
func (n Nix) fetched() error { return n.Fetch(context.Background(), nil) }

// need is the number of megabytes, which depends on the Nix of the rig.
func need(said string) string {
	_, rest, _ := strings.Cut(said, "free, and ")
	number, _, _ := strings.Cut(rest, " MB")
	if n, err := strconv.Atoi(number); err != nil || n < 80 || n > 200 {
		return "about 100"
	}
	return number
}
