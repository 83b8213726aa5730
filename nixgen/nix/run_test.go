package nix

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/fault"
)

// stand puts a shell script in the place of nix.
func stand(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nix"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestOutputLogAndFailureAreKeptApart(t *testing.T) {
	stand(t, `echo result; echo "$1" >&2; echo '@nix {"action":"stop","id":4}' >&2; read x && echo stdin open >&2; exit 3`)
	log := filepath.Join(t.TempDir(), "new/folder/build.log")
	var got []Event
	out, err := Run(t.Context(), Command{Args: []string{"word"}, LogFile: log, LogMost: 1 << 20}, func(e Event) { got = append(got, e) })
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("error %v", err)
	}
	if string(out) != "result\n" || len(got) != 2 || got[0].Text != "word" || got[1].ID != 4 {
		t.Errorf("stdout %q, events %+v", out, got)
	}
	raw, err := os.ReadFile(log)
	if err != nil || string(raw) != "word\n@nix {\"action\":\"stop\",\"id\":4}\n" {
		t.Errorf("log %q, %v", raw, err)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log %v, %v", info, err)
	}
}

func TestCancellingInterruptsAndWaits(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "cleaned")
	stand(t, `trap 'sleep 0.2; echo yes > `+mark+`; exit 1' INT; echo ready >&2; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Run(ctx, Command{}, func(Event) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Error("nix was not given the time to clean up")
	}
}

func TestANixThatSleepsOverAnInterruptIsInterruptedAgain(t *testing.T) {
	stand(t, `n=0; trap 'n=$((n+1)); [ $n -lt 2 ] || exit 1' INT; echo ready >&2; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	_, err := Run(ctx, Command{}, func(Event) { cancel() })
	if took := time.Since(began); !errors.Is(err, context.Canceled) || took > patience/2 {
		t.Errorf("error %v after %v", err, took)
	}
}

func TestAHelperThatOutlivesNixIsNotWaitedFor(t *testing.T) {
	stand(t, `sleep 30 > /dev/null & echo "$!" >&2`)
	var pid string
	began := time.Now()
	_, err := Run(t.Context(), Command{}, func(e Event) { pid = e.Text })
	t.Cleanup(func() { _ = exec.Command("kill", pid).Run() })
	if took := time.Since(began); took > patience || err != nil {
		t.Errorf("took %v, %v", took, err)
	}
}

func TestWithoutNixTheErrorSaysHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Check(t.Context())
	var hints interface{ Hints() []string }
	if !errors.Is(err, ErrNotFound) || !errors.As(err, &hints) || len(hints.Hints()) == 0 {
		t.Errorf("error %v", err)
	}
}

func TestVersionsAreRead(t *testing.T) {
	for in, want := range map[string]Version{
		"nix (Nix) 2.26.3\n":                      {2, 26, 3},
		"nix (Nix) 2.35.0pre20260301_abcdef\n":    {2, 35, 0},
		"nix (Lix, like Nix) 2.91.1\nSystem type": {2, 91, 1},
		"nix (Determinate Nix 3.1) 2.28\n":        {2, 28, 0},
	} {
		if got, err := parseVersion(in); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if _, err := parseVersion("bash: nix\n"); err == nil {
		t.Error("no complaint about a version that is none")
	}
	if !(Version{2, 8, 0}).Before(Oldest) || (Version{2, 18, 0}).Before(Oldest) || (Version{3, 0, 0}).Before(Oldest) {
		t.Error("order of versions")
	}
}

func TestCheckRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"an old Nix", `echo "nix (Nix) 2.8.0"`, "too old"},
		{"no daemon", `[ "$1" = --version ] && echo "nix (Nix) 2.26.3" && exit; echo "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory" >&2; exit 1`, "not running"},
		{"not in the group", `[ "$1" = --version ] && echo "nix (Nix) 2.26.3" && exit; echo "error: getting status of '/nix/var/nix/daemon-socket/socket': Permission denied" >&2; exit 1`, "may not use Nix"},
		{"somebody else's store", `[ "$1" = --version ] && echo "nix (Nix) 2.26.3" && exit; echo "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied" >&2; exit 1`, "not running"},
		{"an unknown failure", `[ "$1" = --version ] && echo "nix (Nix) 2.26.3" && exit; echo "error: strange" >&2; exit 1`, "strange"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stand(t, c.script)
			err := Check(t.Context())
			var e *fault.Error
			if !errors.As(err, &e) || !strings.Contains(e.Headline, c.want) || len(e.Hints()) == 0 {
				t.Errorf("error %v", err)
			}
		})
	}
	stand(t, `[ "$1" = --version ] && echo "nix (Nix) 2.34.8" && exit; echo '{"trusted":true}'`)
	if err := Check(t.Context()); err != nil {
		t.Errorf("a good Nix: %v", err)
	}
}
