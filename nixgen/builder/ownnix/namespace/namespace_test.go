package namespace

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests run this program again, as main does. PIWIZ_FAIL is a step that is to
// fail in it, and the number of its error; PIWIZ_PLAY is what it does as the
// program of a space.
func TestMain(m *testing.M) {
	if step, errno, ok := strings.Cut(os.Getenv("PIWIZ_FAIL"), "="); ok {
		n, _ := strconv.Atoi(errno)
		Before = func(s Step, _ string) error {
			if string(s) == step {
				return syscall.Errno(n)
			}
			return nil
		}
	}
	Inside()
	if part := os.Getenv("PIWIZ_PLAY"); part != "" {
		play(part)
	}
	os.Exit(m.Run())
}

// play is the program of a space.
func play(part string) {
	switch part {
	case "see":
		list, err := os.ReadDir("/")
		for _, e := range list {
			fmt.Println("root", e.Name())
		}
		fmt.Println("uid", os.Getuid(), os.Getgid(), err)
		status, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "CapEff") {
				fmt.Print(line)
			}
		}
		mounts, _ := os.ReadFile("/proc/self/mountinfo")
		fmt.Print(string(mounts))
		fmt.Println("register", os.WriteFile("/.binfmt/register", []byte("x"), 0))
		fmt.Println("mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
		fmt.Println("pid", os.Getpid())
	case "wait":
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGINT)
		fmt.Println("ready")
		<-got
		os.Exit(42)
	case "deaf": // with a child that nobody waits for
		signal.Ignore(syscall.SIGINT)
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "PIWIZ_PLAY=wait")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		fmt.Println(cmd.Start())
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	default:
		n, _ := strconv.Atoi(part)
		os.Exit(n)
	}
	os.Exit(0)
}

// space is one that this computer allows, with this program in it.
func space(t *testing.T) Space {
	t.Helper()
	dir := t.TempDir()
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "program"), self, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := Space{Nix: dir, Emulator: "/nix/program", Flags: "PF"}
	for _, lib := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64"} { // of this program, with the race detector
		if _, err := os.Stat(lib); err == nil {
			s.Folders = append(s.Folders, lib)
		}
	}
	if out, err := s.command(t, "0").CombinedOutput(); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("needs user namespaces, and Linux 6.7: %s", out)
	}
	return s
}

func (s Space) command(t *testing.T, part string) *exec.Cmd {
	through := s.Through("/nix/program")
	cmd := exec.Command(through[0], through[1:]...)
	cmd.Env = []string{"PIWIZ_PLAY=" + part, "PIWIZ_MARK=" + t.Name()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func TestTheProgramSeesWhatItNeedsAndNothingElse(t *testing.T) {
	s := space(t)
	folder := filepath.Join(t.TempDir(), "a folder, \\ with 100%")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Folders = append(s.Folders, folder, file)
	out, err := s.command(t, "see").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	top := []string{"proc", "dev", "etc", "run", "nix", "tmp", "var", ".binfmt"}
	for _, f := range s.Folders {
		top = append(top, strings.Split(f, "/")[1])
	}
	for line := range strings.Lines(string(out)) {
		word := strings.Fields(line)
		switch {
		case word[0] == "root" && !slices.Contains(top, word[1]):
			t.Errorf("it sees /%s", word[1])
		case len(word) > 9 && word[4] != "/" && !strings.HasPrefix(word[4], "/tmp/"): // mountinfo
			first := strings.Split(word[4], "/")[1]
			if !slices.Contains(top, first) {
				t.Errorf("mounted: %s", line)
			}
		}
	}
	rights := "CapEff:\t0000000000000000"
	if os.Getuid() == 0 {
		rights = "" // some, over nothing but its own namespace
	}
	for _, want := range []string{
		fmt.Sprintf("uid %d %d <nil>", os.Getuid(), os.Getgid()), rights,
		"register open /.binfmt/register: read-only file system", "mount operation not permitted",
	} {
		if !strings.Contains(string(out), want+"\n") && want != "" {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	after, err := os.ReadFile("/proc/self/mountinfo")
	if left, _ := os.ReadDir(filepath.Join(s.Nix, ".root")); err != nil || bytes.Contains(after, []byte(s.Nix)) || len(left) > 0 {
		t.Errorf("%v; mounts\n%s, left in .root: %v", err, after, left)
	}
}

// Nix names files by its process number.
func TestTwoProgramsHaveTwoNumbers(t *testing.T) {
	s := space(t)
	numbers := map[string]bool{}
	for range 3 {
		out, err := s.command(t, "see").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, pid, _ := strings.Cut(string(out), "\npid ")
		numbers[pid] = true
	}
	if len(numbers) != 3 {
		t.Errorf("numbers %v", numbers)
	}
}

func TestItEndsAsTheProgramDoes(t *testing.T) {
	s := space(t)
	for part, want := range map[string]int{"0": 0, "1": 1, "42": 42, "die": 137} {
		cmd := s.command(t, part)
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want || len(out) > 0 {
			t.Errorf("%s: %d, %v\n%s", part, got, err, out)
		}
	}
	s.Nix = t.TempDir()
	s.Emulator = ""
	cmd := s.command(t, "0")
	out, _ := cmd.CombinedOutput()
	if r, ok := Refused(string(out)); !ok || *r != (Refusal{Step: Self, Path: "/nix/program", Errno: syscall.ENOENT}) || cmd.ProcessState.ExitCode() != Failed {
		t.Errorf("no program: %s", out)
	}
}

func TestAnInterruptReachesTheProgram(t *testing.T) {
	s := space(t)
	cmd := s.command(t, "wait")
	begin(t, cmd)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 42 {
		t.Errorf("ended with %d", got)
	}
}

// begin starts cmd and waits until the program says that it runs.
func begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	var said []byte
	for b := make([]byte, 100); !bytes.Contains(said, []byte("ready")); {
		n, err := out.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, said)
		}
		said = append(said, b[:n]...)
	}
}

// marked are the processes of a test.
func marked(t *testing.T) (pids []int) {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		env, err := os.ReadFile(name)
		if err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00PIWIZ_MARK="+t.Name()+"\x00")) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestWhoeverIsKilledNoProcessIsLeft(t *testing.T) {
	s := space(t)
	for i := range 4 {
		cmd := s.command(t, "deaf")
		begin(t, cmd)
		pids := marked(t)
		if len(pids) != 4 {
			t.Fatalf("%d processes", len(pids))
		}
		if pids[0] != cmd.Process.Pid {
			t.Fatalf("%v, started was %d", pids, cmd.Process.Pid)
		}
		victim := pids[min(i, 2)] // outside, inside, the program
		if i == 3 {               // and what a terminal does
			victim = -cmd.Process.Pid
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		for end := time.Now().Add(5 * time.Second); len(marked(t)) > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("victim %d of %v: left are %v", victim, pids, marked(t))
			}
		}
	}
}

func TestAStepThatFailsIsNamed(t *testing.T) {
	s := space(t)
	for _, step := range []Step{Clone, Private, Root, Proc, Show, Store, Table, Pivot, Register, Self} {
		cmd := s.command(t, "0")
		cmd.Env = append(cmd.Env, "PIWIZ_FAIL="+string(step)+"="+strconv.Itoa(int(syscall.EACCES)))
		out, _ := cmd.CombinedOutput()
		r, ok := Refused(string(out))
		if !ok || r.Step != step || !errors.Is(r, syscall.EACCES) || r.Path == "" || !strings.Contains(r.Error(), string(step)) || cmd.ProcessState.ExitCode() != Failed {
			t.Errorf("%s: %s", step, out)
		}
	}
}

// Such a program would do all that it does again, and so on.
func TestNothingIsStartedAgainWhereInsideIsNotCalled(t *testing.T) {
	Called = false
	defer func() {
		Called = true
		if recover() != ErrNotCalled {
			t.Error("a program would be started again")
		}
	}()
	Space{Nix: t.TempDir()}.Through("/nix/program")
}

// An administrator's copy is the only one that is started in place of this
// program, and only where it is needed.
func TestTheCopyIsOneThatOnlyRootCanChange(t *testing.T) {
	dir := t.TempDir()
	setting, file := filepath.Join(dir, "setting"), filepath.Join(dir, "own-nix")
	is := func(want, set string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(setting, []byte(set), 0o600), os.WriteFile(file, nil, 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		if got := self(setting, file); got != want {
			t.Errorf("setting %q, mode %o: %s", set, mode, got)
		}
	}
	const this = "/proc/self/exe"
	copied := this
	if os.Getuid() == 0 {
		copied = file
	}
	is(copied, "1\n", 0o755)
	is(this, "0\n", 0o755)
	is(this, "1\n", 0o775)
	is(this, "1\n", 0o757)
	if got := self(setting, filepath.Join(dir, "none")); got != this {
		t.Error(got)
	}
	if got := self(filepath.Join(dir, "none"), file); got != this {
		t.Error(got)
	}
}

// What a builder says must not pass for the word of the space.
func TestOnlyItsOwnLineIsARefusal(t *testing.T) {
	for _, line := range []string{"", Verb, Verb + " ", Verb + " {}", Verb + " {", "x " + Verb + ` {"Step":"x"}`, `{"Step":"x"}`} {
		if r, ok := Refused(line); ok {
			t.Errorf("%q: %v", line, r)
		}
	}
	r := &Refusal{Step: Self, Path: "/nix/program", Status: 1}
	if got, ok := Refused(r.line() + "\n"); !ok || *got != *r || got.Unwrap() != nil {
		t.Errorf("%v", got)
	}
}
