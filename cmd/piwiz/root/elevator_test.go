package root

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/fault"
)

// put makes a file with a mode, past the umask.
func put(t *testing.T, path string, mode uint32) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, nil, 0o600), unix.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func TestAnElevatorThatCannotIsNotPromised(t *testing.T) {
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || on == 1 {
		t.Skip("here nothing gives rights")
	}
	first, second := t.TempDir(), t.TempDir()
	t.Setenv("PATH", first+":.::"+second)
	says := func(words ...string) {
		t.Helper()
		var no *fault.Error
		got, err := elevator()
		if !errors.As(err, &no) || no.Hints()[0] == "" {
			t.Fatalf("%q, %v", got, err)
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("does not say %q: %v", w, err)
			}
		}
		if got := (&Asker{Self: "/piwiz"}).Command(); os.Geteuid() != 0 && !strings.HasPrefix(got, "sudo ") {
			t.Errorf("shown: %s", got)
		}
	}
	says("neither sudo nor pkexec is installed")
	put(t, filepath.Join(first, "sudo"), 0o644|unix.S_ISUID)
	says("neither sudo nor pkexec is installed") // nobody may run it
	put(t, filepath.Join(first, "sudo"), 0o755)
	put(t, filepath.Join(second, "pkexec"), 0o755)
	says(first+"/sudo is not installed setuid root", second+"/pkexec is not installed setuid root")
	if os.Geteuid() != 0 {
		t.Skip("only root makes programs that are setuid root")
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(first, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 {
		t.Skip("the folder for temporary files is mounted nosuid")
	}
	is := func(want string) {
		t.Helper()
		if got, err := elevator(); got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	put(t, filepath.Join(second, "pkexec"), 0o755|unix.S_ISUID)
	if isSocket(bus) {
		is("pkexec")
	} else {
		says(second + "/pkexec needs the system bus")
	}
	put(t, filepath.Join(second, "sudo"), 0o755|unix.S_ISUID)
	is(second + "/sudo") // a shell would find the other one
	put(t, filepath.Join(first, "sudo"), 0o755|unix.S_ISUID)
	is("sudo")
	others := filepath.Join(first, "sudo")
	if err := errors.Join(os.Chown(others, 1, 1), unix.Chmod(others, 0o755|unix.S_ISUID)); err != nil {
		t.Fatal(err)
	}
	is(second + "/sudo") // it would give the rights of another user
}

func TestEachElevatorIsStartedWithWhatItTakes(t *testing.T) {
	for _, name := range []string{"SHELL", "XAUTHORITY", "SUDO_UID", "PKEXEC_UID", "LANG"} {
		t.Setenv(name, "x")
	}
	for by, dropped := range map[string][]string{"": {"SUDO_UID", "PKEXEC_UID"}, "sudo": nil, "/run/wrappers/bin/pkexec": {"SHELL", "XAUTHORITY"}} {
		got := environment(by)
		for _, name := range []string{"SHELL", "XAUTHORITY", "SUDO_UID", "PKEXEC_UID", "LANG"} {
			if has := slices.Contains(got, name+"=x"); has == slices.Contains(dropped, name) {
				t.Errorf("%q: %s is there: %v", by, name, has)
			}
		}
	}
}
