package main

import (
	"bufio"
	"bytes"
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

	"piwiz/tui/screen"
)

// slowCard puts a card of SD speed into the reader: 20 MB/s writing, 40 MB/s
// reading; badSector cannot be written unless it is negative. SIGHUP takes the
// card out, so that every call on it fails; SIGUSR1 makes it hang.
func (w *world) slowCard(badSector int) (file string, signal func(syscall.Signal)) {
	w.t.Helper()
	w.cards++
	file = filepath.Join(w.dir, fmt.Sprintf("card%d.img", w.cards))
	w.must("truncate", "-s", "512M", file)
	args := []string{file, "20000000", "40000000"}
	if badSector >= 0 {
		args = append(args, fmt.Sprint(badSector))
	}
	cmd := exec.Command("../../.ci/rig/card", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ends with the signal
	})
	loop, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		w.t.Fatalf("the slow card did not start: %v", err)
	}
	w.insert(strings.TrimSpace(loop))
	return file, func(s syscall.Signal) { _ = cmd.Process.Signal(s) }
}

// cannotBoot says that a card cannot be booted: its partition table is zero.
func (w *world) cannotBoot(card string) {
	w.t.Helper()
	f, err := os.Open(card)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 512)
	if _, err := f.ReadAt(head, 0); err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(head, make([]byte, 512)) {
		w.t.Error("an unfinished card has a partition table")
	}
}

// wayThrough is how each page of the wizard is reached: what it shows, and the
// keys that lead to the next one.
var wayThrough = [][]string{
	{"Set up a new Raspberry Pi", "enter"},
	{"Press enter to go on", "enter"},
	{"Which Raspberry Pi?", "enter"},
	{"Name of the Raspberry Pi", "type bach", "enter", "enter"},
	{"Home Net", "enter", "enter"},
	{"me@laptop", "enter"},
	{"This is what will be built", "enter"},
	{"The image is ready", "enter"},
	{"The card you choose will be erased", "enter"},
	{"Type its name", "type sda", "enter"},
	{"Writing the card"},
}

// descendants are the live processes below this test. Orphans are handed to
// it, so none can hide.
func descendants(t *testing.T) map[int]string {
	t.Helper()
	parent, name, state := map[int]int{}, map[int]string{}, map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it ended
		}
		open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		var pid, ppid int
		var st string
		fmt.Sscan(string(text[:open]), &pid)
		fmt.Sscan(string(text[end+1:]), &st, &ppid)
		parent[pid], name[pid], state[pid] = ppid, string(text[open+1:end]), st
	}
	out := map[int]string{}
	for pid := range parent {
		for up := pid; up > 1; up = parent[up] {
			if up == os.Getpid() && pid != up && state[pid] != "Z" {
				out[pid] = name[pid]
			}
		}
	}
	return out
}

// nothingNew waits until only the processes of before are left.
func nothingNew(t *testing.T, before map[int]string) {
	t.Helper()
	left := map[int]string{}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		left = map[int]string{}
		for pid, name := range descendants(t) {
			if _, ok := before[pid]; !ok {
				left[pid] = name
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("these processes are left behind: %v", left)
}

func TestKilledOrHungUpOnAnyPageNothingIsLeftBehind(t *testing.T) {
	w := newWorld(t)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	card, _ := w.slowCard(-1)
	for i, page := range wayThrough {
		for name, end := range map[string]func(*screen.Session) error{
			"killed":  func(s *screen.Session) error { return s.Signal(syscall.SIGKILL) },
			"hung up": func(s *screen.Session) error { return s.Hangup() },
		} {
			t.Run(page[0]+", "+name, func(t *testing.T) {
				if err := os.RemoveAll(filepath.Join(w.dir, "home/.local/share/piwiz")); err != nil {
					t.Fatal(err)
				}
				before := descendants(t)
				s := w.start(80, 24)
				play(t, s, append(wayThrough[:i:i], page[:1]))
				w.endAndLook(t, s, end)
				nothingNew(t, before)
				w.cannotBoot(card)
			})
		}
	}
}

// endAndLook ends the wizard in one of the hard ways, and then asks the next
// piwiz whether all saved hosts are whole.
func (w *world) endAndLook(t *testing.T, s *screen.Session, end func(*screen.Session) error) {
	t.Helper()
	if err := end(s); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(10 * time.Second); err != nil {
		t.Error("the wizard goes on")
	}
	if out := w.verb("hosts"); strings.Contains(out, "skipped: ") {
		t.Errorf("a saved host is broken:\n%s", out)
	}
}

// configuration writes the user's own file of bach before there is a bach;
// forget removes both.
func (w *world) configuration(text string) (forget func()) {
	w.t.Helper()
	flake := filepath.Join(w.dir, "home/.local/share/piwiz/hosts/bach/flake")
	if err := os.MkdirAll(flake, 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(flake, "configuration.nix"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return func() { _ = os.RemoveAll(filepath.Dir(flake)) }
}

func TestAHostileLogLeavesTheScreenIntact(t *testing.T) {
	w := newWorld(t)
	w.configuration("{ fixture.fail = \"hostile\"; }\n")
	s := w.start(80, 24)
	play(t, s, append(wayThrough[:7:7], []string{"would be compiled here", "type y"}, []string{"LD      vmlinux"}))
	text := s.Text()
	lines := strings.Split(text, "\n")
	if !strings.Contains(lines[0], "Building the image") || !strings.Contains(lines[len(lines)-1], "ctrl+c leave") {
		t.Errorf("the page is damaged:\n%s", text)
	}
	for _, want := range []string{"Aowned", "B", "HE\uFFFDF"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log:\n%s", want, text)
		}
	}
	raw := s.Raw()
	for _, bad := range []string{"\x1b]52", "\x1b]0;", "\x1b]8;", "\x1bc", "\x1b[6n", "\x1bP", "\x07", "\u202e", "\u009b"} {
		if bytes.Contains(raw, []byte(bad)) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
	if bytes.Contains(raw, []byte("\x1b[?1049l")) {
		t.Error("the screen was switched")
	}
}

func TestABuildThatHangsIsStoppedWithTheWizard(t *testing.T) {
	w := newWorld(t)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(*screen.Session) error{
		"by kill":    func(s *screen.Session) error { return s.Signal(syscall.SIGKILL) },
		"by hang-up": func(s *screen.Session) error { return s.Hangup() },
		"by ctrl+c":  func(s *screen.Session) error { return errors.Join(s.Key("ctrl+c"), s.Type("y")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer w.configuration("{ fixture.fail = \"hang\"; }\n")()
			before := descendants(t)
			s := w.start(80, 24)
			play(t, s, append(wayThrough[:7:7], []string{"would be compiled here", "type y"}, []string{"LD      vmlinux"}))
			w.endAndLook(t, s, end)
			nothingNew(t, before)
		})
	}
}

func TestAPulledCardIsNamedAndAnotherCanBeWritten(t *testing.T) {
	w := newWorld(t)
	first, signal := w.slowCard(-1)
	s := w.start(80, 24)
	play(t, s, append(wayThrough[:len(wayThrough):len(wayThrough)], []string{"MB/s"}))
	signal(syscall.SIGHUP)
	if err := s.WaitFor("Press enter to choose a card again", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", s.Text())
	w.cannotBoot(first)
	w.card()
	node := filepath.Join(w.dir, "dev/sda")
	w.must("nsenter", "-t", fmt.Sprint(s.Pid()), "-m", "mount", "--bind", node, "/dev/sda")
	play(t, s, [][]string{
		{"choose a card again", "enter"},
		{"The card you choose will be erased", "enter"},
		{"Type its name", "type sda", "enter"},
		{"Waiting for the Raspberry Pi"},
	})
}

func TestABadSectorIsNamedWithItsPlace(t *testing.T) {
	w := newWorld(t)
	card, _ := w.slowCard(38 << 20 / 512) // where the root file system begins: zeros are not written to a blank card
	s := w.start(80, 24)
	play(t, s, append(wayThrough[:len(wayThrough):len(wayThrough)], []string{"Press enter to choose a card again"}))
	t.Logf("\n%s", s.Text())
	if !strings.Contains(s.Text(), fmt.Sprint(38<<20)) {
		t.Errorf("the place is not named:\n%s", s.Text())
	}
	w.cannotBoot(card)
}

func TestCtrlCWhileWritingGivesThePromptBack(t *testing.T) {
	w := newWorld(t)
	card, _ := w.slowCard(-1)
	s := w.start(80, 24)
	play(t, s, append(wayThrough[:len(wayThrough):len(wayThrough)],
		[]string{"MB/s", "ctrl+c"}, []string{"It will not boot until it is written again"}))
	began := time.Now()
	if err := s.Type("y"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(2 * time.Second); err != nil {
		t.Error(err)
	}
	t.Logf("from y to the prompt: %v", time.Since(began))
	if !bytes.Contains(s.Raw(), []byte("\x1b[?1049l")) {
		t.Error("the terminal was not given back")
	}
	w.cannotBoot(card)
}

func TestCtrlCGivesThePromptBackThoughTheCardHangs(t *testing.T) {
	w := newWorld(t)
	card, signal := w.slowCard(-1)
	s := w.start(80, 24)
	play(t, s, append(wayThrough[:len(wayThrough):len(wayThrough)], []string{"MB/s"}))
	signal(syscall.SIGUSR1)
	play(t, s, [][]string{{"has not answered", "ctrl+c"}, {"It will not boot until it is written again"}})
	began := time.Now()
	if err := s.Type("y"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(4 * time.Second); err != nil {
		t.Error(err)
	}
	t.Logf("from y to the prompt: %v", time.Since(began))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("from y to the prompt: %v", took)
	}
	w.cannotBoot(card)
}
