package sshconfig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheFileAndTheNameAreThoseOfTheSettings(t *testing.T) {
	for _, c := range []struct{ text, file, name string }{
		{"hostname bach.local\nport 22\nuserknownhostsfile /h/.ssh/known_hosts /h/.ssh/known_hosts2\n", "/h/.ssh/known_hosts", "bach.local"},
		{"hostname bach.local\nport 2222\nuserknownhostsfile /h/known ones\n", "/h/known ones", "[bach.local]:2222"},
		{"hostname bach.local\nport 2222\nhostkeyalias pi\nuserknownhostsfile none\n", "", "pi"},
		{"hostname 10.0.0.7\nport 22\nuserknownhostsfile /dev/null\n", "", "10.0.0.7"},
		{"hostname bach.local\nport 99999\n", "", "bach.local"},
	} {
		if s := Parse(c.text); s.KnownHosts() != c.file || s.KnownAs() != c.name {
			t.Errorf("%q: %q, %q", c.text, s.KnownHosts(), s.KnownAs())
		}
	}
}

func TestTheCommandThatKeepsSSHIsKnown(t *testing.T) {
	for text, want := range map[string]listener{
		"OpenSSH_9.2p1\ndebug1: Executing command: 'sleep 5'\n":                                               {running: "sleep"},
		"debug1: Executing command: '/usr/bin/a b'\r\ndebug3: command returned status 1\r\n":                  {},
		"debug1: Executing command: 'TOKEN=secret curl -H x'\n":                                               {running: "curl"},
		"debug1: Executing command: 'A=b'\n":                                                                  {running: "a command"},
		"debug1: Executing command: 'x'\ndebug3: command returned status 0\ndebug1: Executing command: 'y'\n": {running: "y"},
		"debug1: Reading\n/h/config: line 2: Bad configuration option: bogus\nterminating\n":                  {complaint: "/h/config: line 2: Bad configuration option: bogus"},
		strings.Repeat("x", 3*longest) + "\n":                                                                 {complaint: strings.Repeat("x", longest)},
	} {
		for _, size := range []int{1, 7, 1 << 20} { // of a write
			var l listener
			for b := []byte(text); len(b) > 0; b = b[min(size, len(b)):] {
				_, _ = l.Write(b[:min(size, len(b))]) // it never fails
			}
			if l.running != want.running || l.complaint != want.complaint {
				t.Errorf("%q: %q, %q", text, l.running, l.complaint)
			}
		}
	}
}

// marked runs as long as any hang, under a name of its own.
func marked(t *testing.T) (program string) {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("needs sleep")
	}
	program = filepath.Join(t.TempDir(), "hang")
	if err := os.Symlink(sleep, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// running says whether a process of this machine has text in its arguments.
func running(text string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

// A real ssh, with commands of the user's that never end.
func TestNothingInTheSettingsKeepsUs(t *testing.T) {
	for _, tool := range []string{"ssh", "setsid", "timeout", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PIWIZ_REAL") == "1" {
				t.Fatal(err)
			}
			t.Skip("needs " + tool)
		}
	}
	var all sync.WaitGroup
	defer all.Wait()
	for name, c := range map[string]struct {
		config string // HANG stands for a program that does not end
		kind   Kind   // of the error
		says   string // "" when there is none
	}{
		"a command that hangs":              {"Match exec \"HANG 1000\"\n Port 3\n", Hung, "hang, which your ssh settings run (Match exec), did not end within 2 seconds"},
		"behind others that end":            {"Match exec true\n User x\nMatch exec false\n Port 3\nMatch exec \"HANG 1000\"\n", Hung, "hang, which"},
		"in a session of its own":           {"Match exec \"setsid HANG 1000\"\n", Hung, "setsid, which"},
		"in a group of its own":             {"Match exec \"timeout 1000 HANG 1000\"\n", Hung, "timeout, which"},
		"below a shell that catches all":    {"Match exec \"bash -c 'trap : TERM INT HUP; HANG 1000; HANG 1000'\"\n", Hung, "bash, which"},
		"a pipe":                            {"Match exec \"yes | setsid HANG 1000 | cat\"\n", Hung, "yes, which"},
		"a command that leaves one behind":  {"Match exec \"sleep 2 & true\"\n Port 2222\n", 0, ""},
		"a slow command that ends":          {"Match exec \"sleep 0.3\"\n Port 2222\n", 0, ""},
		"a command that says much":          {"Match exec \"yes | head -c 3000000 >&2\"\n Port 2222\n", 0, ""},
		"a bad line":                        {"Bogus yes\n", Refused, "line 1: Bad configuration option: bogus"},
		"a bad line behind one that is run": {"Match exec true\nBogus yes\n", Refused, "line 2: Bad configuration option: bogus"},
	} {
		hang, file := marked(t), filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(c.config, "HANG", hang)), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() { // all at once: most wait
			began := time.Now()
			s, bad := Ask(context.Background(), "alice", "bach.local", "-F", file)
			if took := time.Since(began); took > Limit+5*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			if running(hang) {
				t.Errorf("%s: the command goes on", name)
			}
			if c.says == "" {
				if bad != nil || s.Port() != 2222 {
					t.Errorf("%s: port %d, %v", name, s.Port(), bad)
				}
				return
			}
			if bad == nil || bad.Kind != c.kind || s != nil || !strings.Contains(bad.Error(), c.says) || len(bad.Hints()) == 0 {
				t.Errorf("%s: %+v, %v", name, bad, bad)
			}
		})
	}
}

func TestTheEndOfTheProgramEndsTheQuestion(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("needs ssh")
	}
	hang, file := marked(t), filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, fmt.Appendf(nil, "Match exec \"%s 1000\"\n", hang), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer stop()
	began := time.Now()
	if _, err := Ask(ctx, "alice", "bach.local", "-F", file); err == nil || time.Since(began) > Limit || running(hang) {
		t.Errorf("%v after %v, it goes on: %v", err, time.Since(began), running(hang))
	}
}
