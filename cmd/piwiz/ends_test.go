package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"piwiz/tui/screen"
	"piwiz/tui/style"
)

// wholeSweep says that every case is tried: for .ci/sweep.
var wholeSweep = os.Getenv("PIWIZ_SWEEP") != ""

// running is a program on a terminal whose end is judged.
type running struct {
	*screen.Session
	t     *testing.T
	mark  string
	log   string       // folder of its state
	fresh unix.Termios // of the terminal, before
}

// startPart starts one of testParts, or piwiz itself when the part is "", on a
// terminal.
func startPart(t *testing.T, name string, env []string, change func(*exec.Cmd), args ...string) *running {
	t.Helper()
	u := newPerson(t)
	cmd := u.command(args...)
	if change != nil {
		change(cmd)
	}
	mark := "PIWIZ_TEST_MARK=" + u.home
	cmd.Env = append(cmd.Env, mark, "PATH=/usr/bin:/bin")
	if name != "" {
		cmd.Env = append(cmd.Env, "PIWIZ_TEST_IS_PIWIZ=", "PIWIZ_TEST_PART="+name)
	}
	cmd.Env = append(cmd.Env, env...)
	s, err := screen.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &running{s, t, mark, filepath.Join(u.home, "state/piwiz"), freshModes(t)}
}

// freshModes are the settings of a terminal that nobody has used.
func freshModes(t *testing.T) unix.Termios {
	t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	modes, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

// pids are the live processes of this test: what a program leaves behind has its
// environment.
func (r *running) pids() (found []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(env, []byte(r.mark+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

// marked are their names.
func (r *running) marked() (names []string) {
	for _, pid := range r.pids() {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		names = append(names, strings.TrimSpace(string(comm)))
	}
	return names
}

// ends waits for the end and judges it: the exit code, nothing left running, and
// where the terminal is still there, its settings.
func (r *running) ends(code int, hungUp bool) {
	r.t.Helper()
	got, err := r.Wait(10 * time.Second)
	if err != nil {
		r.t.Fatal(err)
	}
	if got != code {
		r.t.Errorf("exit code %d, want %d; the screen:\n%s", got, code, r.Text())
	}
	for end := time.Now().Add(3 * time.Second); len(r.marked()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("left behind: %v", r.marked())
		}
	}
	if hungUp {
		return
	}
	now, err := r.Modes()
	if err != nil {
		r.t.Fatal(err)
	}
	if now != r.fresh {
		r.t.Errorf("the terminal's settings are %+v, want %+v", now, r.fresh)
	}
	raw := r.Raw()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		if bytes.LastIndex(raw, []byte(on)) > bytes.LastIndex(raw, []byte(off)) {
			r.t.Errorf("%q is not undone", on)
		}
	}
}

// ways of ending a program, each with whether the terminal is gone then.
var ways = []struct {
	name   string
	end    func(*screen.Session) error
	hungUp bool
}{
	{"ctrl+c", func(s *screen.Session) error { return errors.Join(s.Key("ctrl+c"), s.Type("y")) }, false},
	{"SIGINT", func(s *screen.Session) error { return s.Signal(syscall.SIGINT) }, false},
	{"SIGTERM", func(s *screen.Session) error { return s.Signal(syscall.SIGTERM) }, false},
	{"SIGHUP", func(s *screen.Session) error { return s.Signal(syscall.SIGHUP) }, false},
	{"closed terminal", func(s *screen.Session) error { return s.Hangup() }, true},
}

// pages are those of the wizard, what each shows while it holds or asks, and the
// keys that lead on.
var pages = []struct {
	name, shows string
	on          []string
}{
	{"welcome", "Set up a new Raspberry Pi", []string{"enter"}},
	{"check", "Is this computer ready?", []string{"enter"}},
	{"board", "printed on the board", []string{"enter"}},
	{"hostname", "Name of the Raspberry Pi", []string{"type bach", "enter", "enter"}},
	{"wifi", "Which Wi-Fi networks", []string{"enter", "enter"}},
	{"keys", "me@laptop", []string{"enter"}},
	{"preview", "This is what will be built", []string{"enter"}},
	{"build", "Building the image", []string{"enter"}},
	{"card", "The card you choose will be erased", []string{"enter", "type sdb", "enter"}},
	{"write", "Writing the card", nil},
	{"wait", "Waiting for the Raspberry Pi", nil},
	{"done", "ssh alice@bach.local", nil},
}

// titles are those of the pages above.
var titles = []string{
	"Welcome", "Is this computer ready?", "Which Raspberry Pi?", "What is it called?", "How does it get online?", "Who may log in?",
	"This is what will be built", "Building the image", "Which card?", "Writing the card", "Waiting for the Raspberry Pi", "Done",
}

// arrive waits for a text on the way through the wizard. A page that came to the
// story later, and does not show it, is passed by enter.
func arrive(s *screen.Session, text string, timeout time.Duration) error {
	const beat = 500 * time.Millisecond
	for end := time.Now().Add(timeout); ; {
		began := time.Now()
		err := s.WaitFor(text, min(beat, timeout))
		switch {
		case err == nil:
			return nil
		case time.Since(began) < beat, time.Now().After(end): // the program ended, or it is too late
			return fmt.Errorf("waited for up to %v: %w", timeout, err)
		}
		head, _, _ := strings.Cut(strings.TrimSpace(s.Text()), "\n")
		if strings.Contains(head, style.Here) && !slices.ContainsFunc(titles, func(t string) bool { return strings.HasPrefix(head, t) }) {
			if err := s.Key("enter"); err != nil {
				return err
			}
		}
	}
}

// reach plays the wizard to a page. Nothing needs more than its page's own text
// to have come.
func (r *running) reach(to string) {
	r.t.Helper()
	for _, p := range pages {
		shows := p.shows
		switch {
		case p.name == to:
		case p.name == "check":
			shows = "Press enter to go on"
		case p.name == "build":
			shows = "The image is ready"
		}
		if p.on == nil && p.name != to {
			continue // it passes by itself
		}
		if err := arrive(r.Session, shows, 10*time.Second); err != nil {
			r.t.Fatal(err)
		}
		if p.name == to {
			return
		}
		r.press(p.on)
	}
}

func (r *running) press(keys []string) {
	r.t.Helper()
	for _, k := range keys {
		if text, ok := strings.CutPrefix(k, "type "); ok {
			if err := r.Type(text); err != nil {
				r.t.Fatal(err)
			}
			if err := r.WaitFor(text, 5*time.Second); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := r.Key(k); err != nil {
			r.t.Fatal(err)
		}
	}
}

// holds are the pages that can be held in the midst of their work.
var holds = map[string]bool{"check": true, "build": true, "write": true, "wait": true}

func TestEveryPageEndsWellHoweverItEnds(t *testing.T) {
	for i, p := range pages {
		for j, w := range ways {
			if !wholeSweep && (i+j)%len(ways) != 0 && p.name != "write" {
				continue // each page in one way, each way on two pages or more
			}
			t.Run(p.name+", "+w.name, func(t *testing.T) {
				t.Parallel()
				var env []string
				if holds[p.name] || p.name == "done" {
					env = append(env, "PIWIZ_TEST_HOLDS="+p.name)
				}
				if p.name == "done" {
					env = nil
				}
				r := startPart(t, "wizard", env, nil)
				r.reach(p.name)
				if holds[p.name] {
					r.waitForChild()
				}
				if err := w.end(r.Session); err != nil {
					t.Fatal(err)
				}
				code := cancelled
				if p.name == "done" && w.name == "ctrl+c" {
					code = 0
				}
				r.ends(code, w.hungUp)
				if p.name == "write" && !w.hungUp && !strings.Contains(r.Text(), "does not boot") {
					t.Errorf("it does not say what the card is:\n%s", r.Text())
				}
			})
		}
	}
}

func TestAWizardThatHangsEndsAllTheSame(t *testing.T) {
	if !wholeSweep {
		t.Skip("takes 20 s: .ci/sweep ends")
	}
	r := startPart(t, "wizard", []string{"PIWIZ_TEST_HOLDS=preview"}, nil)
	for _, p := range pages[:6] {
		if err := arrive(r.Session, map[bool]string{true: "Press enter to go on", false: p.shows}[p.name == "check"], 10*time.Second); err != nil {
			t.Fatal(err)
		}
		r.press(p.on)
	}
	r.waitForChild()
	if err := r.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, err := r.Wait(tooLong + 10*time.Second)
	if now, _ := r.Modes(); err != nil || code != cancelled || now != r.fresh {
		t.Errorf("exit code %d, %v; the terminal's settings are %+v", code, err, now)
	}
	for _, p := range r.pids() {
		_ = syscall.Kill(p, syscall.SIGKILL) // what hung
	}
}

// waitForChild waits until the work has begun its child.
func (r *running) waitForChild() {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if slices.Contains(r.marked(), "sleep") {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("no child began; the screen:\n%s", r.Text())
		}
	}
}

func TestAPanicOnAnyPageGivesTheTerminalBackAndIsInTheLog(t *testing.T) {
	for i, p := range pages {
		if !wholeSweep && i%4 != 3 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := startPart(t, "wizard", []string{"PIWIZ_TEST_PANICS=" + p.name}, nil)
			for _, q := range pages {
				if q.name == p.name {
					break
				}
				if q.on == nil {
					continue
				}
				shows := map[string]string{"check": "Press enter to go on", "build": "The image is ready"}[q.name]
				if shows == "" {
					shows = q.shows
				}
				if err := arrive(r.Session, shows, 10*time.Second); err != nil {
					t.Fatal(err)
				}
				r.press(q.on)
				if p.name == "board" { // the guesses are made before the page
					break
				}
			}
			if p.name == "hostname" {
				r.press(p.on)
			}
			if err := arrive(r.Session, "piwiz has a bug: deliberate "+p.name, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := r.Key("ctrl+c"); err != nil {
				t.Fatal(err)
			}
			code := failed
			if p.name == "check" {
				code = lacking // it is one of its findings
			}
			r.ends(code, false)
			if bytes.Contains(r.Raw(), []byte("goroutine ")) {
				t.Error("the stack is on the terminal")
			}
			r.logged("deliberate " + p.name)
		})
	}
}

// logged looks for a panic and its stack in the log, which is the user's alone.
func (r *running) logged(what string) {
	r.t.Helper()
	name := filepath.Join(r.log, "piwiz.log")
	text, err := os.ReadFile(name)
	if err != nil || !bytes.Contains(text, []byte(what)) || !bytes.Contains(text, []byte("ends_parts_test.go")) {
		r.t.Errorf("%v; the stack is not in the log:\n%s", err, text)
	}
	if st, err := os.Stat(name); err == nil && st.Mode().Perm() != 0o600 {
		r.t.Errorf("the log has the mode %v", st.Mode())
	}
}

func TestEveryPromptEndsWellHoweverItEnds(t *testing.T) {
	for _, prompt := range []string{"line", "secret", "typed"} {
		for _, w := range append(ways, []struct {
			name   string
			end    func(*screen.Session) error
			hungUp bool
		}{
			{"^C", func(s *screen.Session) error { return s.Key("ctrl+c") }, false},
			{"^C after some letters", func(s *screen.Session) error { return errors.Join(s.Type("sd"), s.Key("ctrl+c")) }, false},
			{"^D", func(s *screen.Session) error { return s.Key("ctrl+d") }, false},
		}...) {
			if w.name == "ctrl+c" { // the way of the wizard
				continue
			}
			t.Run(prompt+", "+w.name, func(t *testing.T) {
				t.Parallel()
				r := startPart(t, prompt, nil, nil)
				if err := r.WaitFor(":", 10*time.Second); err != nil {
					t.Fatal(err)
				}
				if prompt == "secret" {
					if err := r.WaitUnseen(5 * time.Second); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.end(r.Session); err != nil {
					t.Fatal(err)
				}
				r.ends(cancelled, w.hungUp)
			})
		}
	}
}

func TestWhatIsTypedAtAPromptIsTakenAsItIs(t *testing.T) {
	for _, c := range []struct {
		prompt, typed, says string
		code                int
	}{
		{"line", " bach \r", `got "bach"`, 0},
		{"secret", " correct horse \r", `got " correct horse "`, 0},
		{"secret", "\r", `got ""`, 0},
		{"typed", "sdb\r", `got ""`, 0},
		{"typed", "sda\r", "nothing was written", refused},
		{"panic", "horse\r", "piwiz has a bug", failed},
	} {
		t.Run(c.prompt+c.typed, func(t *testing.T) {
			t.Parallel()
			r := startPart(t, c.prompt, nil, nil)
			if err := r.WaitFor(":", 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if c.prompt == "secret" || c.prompt == "panic" {
				if err := r.WaitUnseen(5 * time.Second); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Type(c.typed); err != nil {
				t.Fatal(err)
			}
			r.ends(c.code, false)
			if !strings.Contains(r.Text(), c.says) {
				t.Errorf("does not say %q:\n%s", c.says, r.Text())
			}
			if c.prompt == "panic" {
				r.logged("deliberate")
			}
		})
	}
}

// slowNix is a Nix that says much and never ends.
const slowNix = `#!/bin/sh
case "$*" in
*--version*) echo "nix (Nix) 2.26.3" ;;
*"store info"*) echo '{"url":"daemon","trusted":true}' ;;
*"config show"*) echo '{}' ;;
*) while :; do echo 'building something' >&2; sleep 0.01; done ;;
esac
`

func TestAVerbEndsWellHoweverItEnds(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "nix"), []byte(slowNix), 0o700); err != nil {
				t.Fatal(err)
			}
			answers := filepath.Join(dir, "bach.toml")
			if err := os.WriteFile(answers, []byte(goodAnswers), 0o600); err != nil {
				t.Fatal(err)
			}
			r := startPart(t, "", []string{"PATH=" + dir + ":/usr/bin:/bin"}, nil, "build", answers, "--builder", "local")
			if err := r.WaitFor("building something", 20*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := w.end(r.Session); err != nil {
				t.Fatal(err)
			}
			r.ends(cancelled, w.hungUp)
		})
	}
}

func TestAVerbWhoseOutputNobodyReadsEnds(t *testing.T) {
	u := newPerson(t)
	if err := os.WriteFile(filepath.Join(u.home, "nix"), []byte(slowNix), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := u.command("build", u.file("bach.toml", goodAnswers), "--builder", "local")
	mark := "PIWIZ_TEST_MARK=" + u.home
	cmd.Env = append(cmd.Env, mark, "PATH="+u.home+":/usr/bin:/bin")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if _, err := read.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	read.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatal("it goes on")
	}
	if code := cmd.ProcessState.ExitCode(); code != cancelled {
		t.Errorf("ended with %v", cmd.ProcessState)
	}
	if left := (&running{mark: mark}).marked(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// nohup(1) says that a closed terminal should end nothing.
func TestNohupIsHeeded(t *testing.T) {
	if _, err := exec.LookPath("nohup"); err != nil {
		t.Skip("needs nohup (apt-get install coreutils)")
	}
	u := newPerson(t)
	if err := os.WriteFile(filepath.Join(u.home, "nix"), []byte(slowNix), 0o700); err != nil {
		t.Fatal(err)
	}
	real := u.command("build", u.file("bach.toml", goodAnswers), "--builder", "local")
	cmd := exec.Command("nohup", real.Args...)
	cmd.Env = append(real.Env, "PATH="+u.home+":/usr/bin:/bin")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	}()
	buf := make([]byte, 4096)
	read := func() string {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("it ended: %v", err)
		}
		return string(buf[:n])
	}
	for !strings.Contains(read(), "building something") {
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 20 { // a hundredth of a second each
		read()
	}
}
