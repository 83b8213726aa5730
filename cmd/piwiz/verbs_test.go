package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"piwiz/nixgen/builder/ownnix"
)

// TestMain lets the test binary be piwiz itself, so that exit codes and
// output are those of the real main.
func TestMain(m *testing.M) {
	ownnix.Inside() // as main does: this program is started again by piwiz's own Nix
	if os.Getenv("PIWIZ_TEST_IS_PIWIZ") == "1" {
		_ = os.Unsetenv("PIWIZ_TEST_IS_PIWIZ")
		main()
		return
	}
	if part := os.Getenv("PIWIZ_TEST_PART"); part != "" {
		_ = os.Unsetenv("PIWIZ_TEST_PART")
		os.Exit(run(testParts[part]))
	}
	if signal.Ignored(syscall.SIGHUP) { // by nohup: what is started here must not inherit that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	testscript.Main(m, map[string]func(){"piwiz": func() {
		_, _ = syscall.Setsid() // no terminal to ask on
		main()
	}})
}

// person is somebody with an empty home and no tools on the PATH. A file is in the
// way of piwiz's own Nix, which would be downloaded.
type person struct {
	t    *testing.T
	home string
}

func newPerson(t *testing.T) person {
	u := person{t, t.TempDir()}
	u.file("data/piwiz/nix", "")
	return u
}

func (u person) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = []string{
		"PIWIZ_TEST_IS_PIWIZ=1", "HOME=" + u.home, "PATH=/nonexistent", "LANG=de_DE.UTF-8", "TERM=xterm-256color",
		"XDG_DATA_HOME=" + filepath.Join(u.home, "data"), "XDG_STATE_HOME=" + filepath.Join(u.home, "state"),
		"GOCOVERDIR=" + u.t.TempDir(), // without it a program that counts coverage complains when it ends
	}
	return cmd
}

func (u person) piwiz(args ...string) (stdout, stderr string, code int) {
	u.t.Helper()
	cmd := u.command(args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal to ask on
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		u.t.Fatal(err)
	}
	return out.String(), bad.String(), cmd.ProcessState.ExitCode()
}

func (u person) file(name, text string) string {
	u.t.Helper()
	path := filepath.Join(u.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
	return path
}

const goodAnswers = `name = "bach"
board = "4"
user = "alice"
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"]
`

const withWifi = goodAnswers + "[[networks]]\nssid = \"Home Net\"\nsecurity = \"wpa2\"\n"

func TestEachVerbSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	u := newPerson(t)
	bad := u.file("bad.toml", "name = \"Ba_ch\"\nboard = \"7\"\nuser = \"root\"\nkeys = [\"ssh-rsa nonsense\"]\n")
	unknown := u.file("unknown.toml", goodAnswers+"usr = \"x\"\n")
	wifi := u.file("wifi.toml", withWifi)
	u.file("data/piwiz/hosts/broken/host.toml", "name = ")
	for _, c := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"nonsense"}, usage, []string{`"nonsense"`, "piwiz --help"}},
		{[]string{"flash", "--wat"}, usage, []string{"--wat", "piwiz flash --help"}},
		{[]string{"flash", "bach"}, usage, []string{"wrong arguments for flash", "Usage: piwiz flash HOST DEVICE", "piwiz flash bach /dev/sdb"}},
		{[]string{}, usage, []string{"needs a terminal", "piwiz --help"}},
		{[]string{"build", "nobody"}, failed, []string{"no saved host nobody", "piwiz hosts"}},
		{[]string{"flash", "nobody", "/dev/null"}, failed, []string{"no saved host nobody"}},
		{[]string{"wait", "no.body"}, failed, []string{"Leave out the dot"}},
		{[]string{"build", "broken"}, failed, []string{"broken/host.toml", "line 1", "Fix the file"}},
		{[]string{"render", "none.toml"}, failed, []string{"none.toml", "no such file"}},
		{[]string{"render", bad}, failed, []string{"name: Use - instead of _", "user: NixOS already has a user", "line 2: board: There is no such board", "keys[0]: this public key is incomplete"}},
		{[]string{"render", unknown}, failed, []string{"line 5: the key usr is not known", "Correct the line"}},
		{[]string{"build", wifi}, lacking, []string{`"Home Net"`, "join it once"}},
		{[]string{"check"}, lacking, []string{"must be fixed"}},
	} {
		_, stderr, code := u.piwiz(c.args...)
		if code != c.code {
			t.Errorf("piwiz %v: exit code %d, want %d\n%s", c.args, code, c.code, stderr)
		}
		for _, s := range c.says {
			if !strings.Contains(stderr, s) {
				t.Errorf("piwiz %v does not say %q:\n%s", c.args, s, stderr)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(u.home, "data/piwiz/hosts/bach")); err == nil {
		t.Error("a host that could not be built was saved")
	}
}

func TestAPasswordInAFileOfAnswersIsNeverShown(t *testing.T) {
	u := newPerson(t)
	file := u.file("bach.toml", goodAnswers+"[[networks]]\nssid = \"Home\"\npassword = \"correct horse\"\n")
	for _, args := range [][]string{{"render", file}, {"build", file, "--json"}} {
		out, stderr, code := u.piwiz(args...)
		if code != failed || !strings.Contains(out+stderr, "line 7: the key networks[0].password is not known") || strings.Contains(out+stderr, "horse") {
			t.Errorf("piwiz %v: exit code %d\n%s%s", args, code, out, stderr)
		}
	}
}

func TestRenderPrintsWithoutSavingAnything(t *testing.T) {
	u := newPerson(t)
	file := u.file("bach.toml", withWifi)
	out, stderr, code := u.piwiz("render", file)
	if code != 0 || !strings.Contains(out, `networking.hostName = "bach"`) {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if found, _ := filepath.Glob(filepath.Join(u.home, "data/piwiz/hosts/*")); len(found) > 0 {
		t.Errorf("saved %v", found)
	}
}

func TestHostsListsTheReadableAndNamesTheOther(t *testing.T) {
	u := newPerson(t)
	u.file("data/piwiz/hosts/bach/host.toml", goodAnswers)
	u.file("data/piwiz/hosts/broken/host.toml", "name = ")
	out, _, code := u.piwiz("hosts")
	if code != 0 || !strings.Contains(out, "bach ") || !strings.Contains(out, "skipped: ") || !strings.Contains(out, "broken/host.toml") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestAnEmptyListSaysWhatToDo(t *testing.T) {
	u := newPerson(t)
	if out, stderr, code := u.piwiz("hosts"); code != 0 || out != "" || !strings.Contains(stderr, "piwiz build FILE.toml") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if out, stderr, code := u.piwiz("hosts", "--json"); code != 0 || out+stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if out, _, code := u.piwiz("--version"); code != 0 || !strings.HasPrefix(out, "piwiz version ") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestJSONIsOneObjectALineWithAnEvent(t *testing.T) {
	u := newPerson(t)
	u.file("data/piwiz/hosts/bach/host.toml", goodAnswers)
	for want, args := range map[string][]string{
		"host": {"hosts"}, "file": {"render", "bach"}, "check": {"check"}, "error": {"build", "nobody"}, "own-nix": {"own-nix", "status", "--own-nix-dir", "/proc/own"},
	} {
		out, _, _ := u.piwiz(append(args, "--json")...)
		for l := range strings.Lines(out) {
			var event struct{ Event string }
			if err := json.Unmarshal([]byte(l), &event); err != nil || event.Event == "" {
				t.Errorf("piwiz %v printed %q: %v", args, l, err)
			}
		}
		if !strings.Contains(out, `"event":"`+want+`"`) {
			t.Errorf("piwiz %v printed no %s:\n%s", args, want, out)
		}
	}
}

func TestHelpOfEachVerbHasAnExample(t *testing.T) {
	u := newPerson(t)
	all, _, _ := u.piwiz("--help")
	for _, v := range []string{"check", "render", "build", "cards", "flash", "wait", "hosts", "own-nix"} {
		if !strings.Contains(all, "  "+v+" ") {
			t.Errorf("piwiz --help does not list %s", v)
		}
		out, _, code := u.piwiz(v, "--help")
		if code != 0 || !strings.Contains(out, "Examples:\n  piwiz "+v) {
			t.Errorf("piwiz %s --help: exit code %d\n%s", v, code, out)
		}
	}
}

func TestASilentTerminalCostsNoTime(t *testing.T) {
	cmd := newPerson(t).command()
	began := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var seen []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(seen, []byte("Set up a new Raspberry Pi")) {
		_ = tty.SetReadDeadline(began.Add(10 * time.Second))
		n, err := tty.Read(buf) // and nobody answers what it asks
		seen = append(seen, buf[:n]...)
		if err != nil {
			t.Fatalf("no first page: %v\n%q", err, seen)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the first page took %v", took)
	}
}
