package quiet

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// silent runs a program of testdata on a terminal that never answers, and
// returns how long it took and all it wrote.
func silent(t *testing.T, name string, env ...string) (time.Duration, string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", bin, "./testdata/"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(bin)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CI=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "TERM=xterm-256color"), env...)
	start := time.Now()
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	kill := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer kill.Stop()
	var wrote bytes.Buffer
	io.Copy(&wrote, tty) // ends with an error when the program does: that is how a terminal ends
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(start), wrote.String()
}

func TestASilentTerminalIsNotQuestioned(t *testing.T) {
	t.Parallel()
	took, wrote := silent(t, "quiet")
	if took > time.Second || strings.Contains(wrote, "\x1b") {
		t.Errorf("took %v and wrote %q", took, wrote)
	}
	if !strings.HasPrefix(wrote, "CI set: false") {
		t.Errorf("CI is still set in main: %q", wrote)
	}
}

func TestTheUsersOwnCIIsLeftAlone(t *testing.T) {
	t.Parallel()
	if took, wrote := silent(t, "quiet", "CI=true"); took > time.Second || !strings.HasPrefix(wrote, "CI set: true") {
		t.Errorf("took %v and wrote %q", took, wrote)
	}
}

// Without the cure the fault must show, or the test above proves nothing.
func TestWithoutItTheTerminalIsQuestioned(t *testing.T) {
	t.Parallel()
	took, wrote := silent(t, "plain")
	if took < 4*time.Second || !strings.Contains(wrote, "\x1b]11;?") {
		t.Errorf("took %v and wrote %q: Bubble Tea has fixed this, package quiet may go", took, wrote)
	}
	t.Logf("the plain program took %v", took.Round(time.Millisecond))
}

func TestStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "piwiz/cmd/piwiz/quiet" {
		t.Errorf("depends on %s (%v): then it is initialised too late", out, err)
	}
}
