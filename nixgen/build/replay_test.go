package build

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/nix"
)

// replay runs a recorded log (testdata/logs, NAME begins with the version of
// Nix) through the watch.
func replay(t *testing.T, name string, report func(Event)) *watch {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/logs", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := newWatch(time.Now(), report)
	for d := nix.NewDecoder(f); ; {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return w
		}
		if err != nil {
			t.Fatal(err)
		}
		w.event(e)
	}
}

// flake is a folder like the one of the recorded builds.
func flake(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"flake.nix":         "{ }\n",
		"configuration.nix": "{\n  # services.avahi.enabel was here\n  services.avahi = {\n    enabel = true;\n  };\n  time.timeZone = 5;\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRecordedFailuresAreExplainedByTheirFirstCause(t *testing.T) {
	for _, c := range []struct{ log, page, headline, why, derivation, tail string }{
		{"v226-build-fail-exit", "", "Building linux-6.18.2-fixture failed.", "failed with exit code 2", "linux-6.18.2-fixture", "has no member named 'bar'"},
		{"v234-build-fail-exit", "", "Building linux-6.18.2-fixture failed.", "builder failed with exit code 2", "linux-6.18.2-fixture", "has no member named 'bar'"},
		{"v226-eval-unknown-option", "preview", "The option services.avahi.enabel does not exist.", "FLAKE/configuration.nix:4", "", ""},
		{"v234-eval-wrong-type", "preview", "The option time.timeZone has the wrong kind of value: it wants null or string.", "FLAKE/configuration.nix:6", "", ""},
		{"v226-eval-syntax-error", "preview", "Nix cannot read the configuration.", "FLAKE/configuration.nix:18: syntax error, unexpected ';'", "", ""},
		{"v226-disk-full-builder", "check", "The disk of this computer is full.", "No space left on device", "", ""},
		{"v234-no-emulation-not-registered", "check", "no emulator is registered", "exit code 1", "ok", "Exec format error"},
		{"v226-no-emulation-platform-not-allowed", "check", "does not want to build for the Raspberry Pi's processor", "aarch64-linux", "", ""},
		{"v226-input-unreachable", "check", "is this computer on the internet?", "Could not resolve host: api.github.com", "", ""},
		{"v226-daemon-not-running-auto", "check", "nix-daemon", "", "", ""},
	} {
		t.Run(c.log, func(t *testing.T) {
			dir := flake(t)
			err := replay(t, c.log, nil).diagnose(Request{Flake: dir, LogFile: "/l"}, errors.New("exit status 1"))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not an *Error: %v", err)
			}
			why := strings.ReplaceAll(c.why, "FLAKE", dir)
			if !strings.Contains(e.Headline, c.headline) || !strings.Contains(e.Why, why) {
				t.Errorf("headline %q\nwhy %q", e.Headline, e.Why)
			}
			if e.Page != c.page || c.derivation != "" && e.Derivation != c.derivation || len(e.Hints()) == 0 {
				t.Errorf("page %q, derivation %q, hints %q", e.Page, e.Derivation, e.Hints())
			}
			if !strings.Contains(strings.Join(e.LogTail, "\n"), c.tail) {
				t.Errorf("log tail %q", e.LogTail)
			}
		})
	}
}

func TestNumbersOfARecordedBuildNeverGoBack(t *testing.T) {
	var last Progress
	lines := 0
	w := replay(t, "v226-build-ok", func(e Event) {
		p := e.Progress
		if p.Done < last.Done || p.Expected < last.Expected || p.BytesDone < last.BytesDone || p.Elapsed < last.Elapsed {
			t.Errorf("went back: %+v after %+v", p, last)
		}
		last = p
		if e.Line != "" {
			lines++
		}
	})
	w.finish("done")
	if last.Done != 6 || last.Expected != 6 || last.Running != 0 || last.Stage != "done" {
		t.Errorf("ends with %+v", last)
	}
	if lines < 50 {
		t.Errorf("%d lines", lines)
	}
}

func TestOddBytesOfABuilderDoNotReachTheScreen(t *testing.T) {
	replay(t, "v28-build-odd-log-bytes", func(e Event) {
		if strings.ContainsAny(e.Line, "\x00\x1b\r\n") {
			t.Errorf("line %q", e.Line)
		}
	})
}

func TestTheLineOfAnOptionIsFound(t *testing.T) {
	text := "{ pkgs, ... }:\n{\n  # x.y.z\n  networking.hostName = \"a\";\n  services.avahi.enable = true;\n  x = {\n    y.z = 1;\n  };\n}\n"
	for name, want := range map[string]int{
		"networking.hostName": 4, "services.avahi.enable": 5, "x.y.z": 7, "not.there": 0,
	} {
		if got := lineOf(text, name); got != want {
			t.Errorf("%s: line %d, want %d", name, got, want)
		}
	}
}

func TestNamesOfStorePaths(t *testing.T) {
	for path, want := range map[string]string{
		"/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-linux-6.18.2-fixture.drv": "linux-6.18.2-fixture",
		"/nix/store/short": "short", "": "",
	} {
		if got := Name(path); got != want {
			t.Errorf("Name(%q) = %q", path, got)
		}
	}
}
