package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"piwiz/cmd/piwiz/engine"
)

// An ordinary user's program tries to read the memory of another process of
// the same user. The test program is that program too.
func init() {
	if pid := os.Getenv("PIWIZ_TEST_READS_MEMORY"); pid != "" {
		f, err := os.Open("/proc/" + pid + "/mem")
		if errors.Is(err, fs.ErrPermission) {
			os.Exit(3)
		} else if err != nil {
			os.Exit(4)
		}
		_ = f.Close()
		os.Exit(0)
	}
}

// ordinary makes a command one of an ordinary user's, who owns the folder of
// the program.
func ordinary(t *testing.T) func(*exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		return func(c *exec.Cmd) *exec.Cmd { return c }
	}
	dir, err := os.MkdirTemp("", "piwiz-memory-") // that of a test is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile("/proc/self/exe")
	path := filepath.Join(dir, "piwiz")
	if err := errors.Join(err, os.Chmod(dir, 0o755), os.WriteFile(path, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	return func(c *exec.Cmd) *exec.Cmd {
		c.Path, c.Dir = path, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return c
	}
}

var cores = regexp.MustCompile(`(?m)^Max core file size +0 `)

// readable waits until piwiz runs, and says whether a program of the same user
// can read its memory.
func readable(t *testing.T, as func(*exec.Cmd) *exec.Cmd, pid int) bool {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		limits, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
		if err == nil && cores.Match(limits) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("core files are not off: %v\n%s", err, limits)
		}
	}
	reader := as(exec.Command(os.Args[0]))
	reader.Env = []string{"PIWIZ_TEST_READS_MEMORY=" + strconv.Itoa(pid), "GOCOVERDIR=" + t.TempDir()}
	err := reader.Run()
	var e *exec.ExitError
	if err != nil && (!errors.As(err, &e) || e.ExitCode() != 3) {
		t.Fatal(err)
	}
	return err == nil
}

func TestThePartThatHoldsTheCardIsShut(t *testing.T) {
	as := ordinary(t)
	u := newPerson(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	memory := os.NewFile(uintptr(fd), "memory")
	defer memory.Close()
	if err := memory.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	cmd := as(u.command(engine.CardPart))
	cmd.Stdin, cmd.ExtraFiles = theirs, []*os.File{memory, memory}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	defer func() { _, _ = ours.Close(), cmd.Wait() }()
	// It shuts itself right after it has turned core files off.
	end := time.Now().Add(10 * time.Second)
	for readable(t, as, cmd.Process.Pid) {
		if time.Now().After(end) {
			t.Fatal("another program can read the memory of the part that holds the card")
		}
	}
}

// A process that is not dumpable cannot map a user namespace.
func TestTheMainProcessIsNotShut(t *testing.T) {
	as := ordinary(t)
	u := newPerson(t)
	if err := os.Chmod(u.home, 0o777); err != nil {
		t.Fatal(err)
	}
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	cmd := as(u.command())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = terminal.Close()
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }() // killed
	seen := make([]byte, 1<<16)
	for n := 0; !strings.Contains(string(seen[:n]), "Set up a new Raspberry Pi"); {
		more, err := screen.Read(seen[n:])
		if n += more; err != nil || n == len(seen) {
			t.Fatalf("%v\n%q", err, seen[:n])
		}
	}
	if !readable(t, as, cmd.Process.Pid) {
		t.Error("the main process is shut")
	}
}
