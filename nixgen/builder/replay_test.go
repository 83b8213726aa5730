package builder

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// hear lets a watch hear what Nix said.
func hear(t testing.TB, w *follow.Watch, log io.Reader) {
	t.Helper()
	for d := nix.NewDecoder(log); ; {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		w.Event(e)
	}
}

// replay runs a recorded log of package follow, NAME begins with the version of
// Nix, through a watch.
func replay(t testing.TB, name string) *follow.Watch {
	t.Helper()
	f, err := os.Open(filepath.Join("../follow/testdata/logs", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := follow.New(forecast.Times{}, nil)
	hear(t, w, f)
	return w
}

// flake is a folder like the one of the recorded builds.
func flake(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"flake.nix":         "{ }\n",
		"configuration.nix": "{\n  # services.avahi.enabel was here\n  services.avahi = {\n    enabel = true;\n  };\n  time.timeZone = 5;\n  users.users.pi.openssh.authorizedKeys.keyss = [ ];\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// diagnosis is what a recorded log must be explained as.
type diagnosis struct {
	known      string // name of the failure, "" for none
	page       string
	headline   string // part of it
	why        string // part of it; FLAKE is the user's folder
	derivation string
	tail       string // part of the builder's last lines
}

const linux = "linux-6.18.2-fixture"

// nothing is said of a log without an error: a build that succeeded, or one
// whose Nix was killed.
var nothing = diagnosis{headline: "Nix stopped without saying why."}

// recorded has every scenario of the recorded logs of package follow, for all versions of Nix but
// where one is named.
var recorded = map[string]diagnosis{
	"build-fail-exit":                   {"", "", "Building " + linux + " failed.", "failed with exit code 2", linux, "has no member named 'bar'"},
	"build-fail-no-output":              {"", "", "Building " + linux + " failed.", "failed to produce output path", linux, ""},
	"build-killed-sigkill":              {"killed", "check", "was killed", "memory", linux, ""},
	"build-silent-timeout":              {"silent", "check", "printed nothing for 2 seconds", "slow", "chatty", ""},
	"v234-build-silent-timeout":         {"timeout", "check", "longer than the 2 seconds", "slow", "chatty", ""}, // it says no more
	"build-timeout":                     {"timeout", "check", "longer than the 2 seconds", "slow", "chatty", ""},
	"hash-mismatch":                     {"hash-mismatch", "check", "not what it should be: source.tar.gz", "login page", "source.tar.gz", ""},
	"disk-full-nix":                     {"disk-full", "check", "disk of this computer is full", "", "", ""},
	"disk-full-builder":                 {"disk-full", "check", "disk of this computer is full", "", "", ""},
	"input-unreachable":                 {"offline", "check", "is this computer on the internet?", "the server https://api.github.com.", "", ""},
	"no-emulation-not-registered":       {"not-registered", "check", "no emulator is registered", "QEMU", "ok", "Exec format error"},
	"no-emulation-platform-not-allowed": {"platform", "check", "does not want to build for the Raspberry Pi's processor", "", "ok", ""},
	"user-not-trusted-extra-platforms":  {"not-trusted", "check", "does not trust you", "", "ok", ""},
	// Nix 2.8 tells of the refused setting only when it debugs; the remedy is the same.
	"v28-user-not-trusted-extra-platforms": {"platform", "check", "does not want to build for the Raspberry Pi's processor", "", "ok", ""},

	"daemon-not-running":          {"daemon-down", "check", "(nix-daemon) is not running", "", "", ""},
	"daemon-not-running-auto":     {"daemon-missing", "check", "(nix-daemon) is not running", "", "", ""},
	"daemon-socket-not-permitted": {"daemon-refuses", "check", "not allowed to use Nix", "", "", ""},
	"daemon-user-not-allowed":     {"daemon-hangs-up", "check", "closes the connection at once", "allowed-users", "", ""},
	"daemon-dies-mid-build":       {"daemon-died", "check", "stopped in the middle", "", "", ""},

	"daemon-fail30":            {"", "", "Building l failed.", "failed with exit code 1", "l", "line 30"},
	"daemon-remote-down":       {"builder-ssh", "check", "(root@127.0.0.1) cannot be used", "", "a2", ""},
	"daemon-remote-down-alone": {"builder-ssh", "check", "(root@127.0.0.1) cannot be used", "", "", ""},
	"chroot-nosandbox":         {"emulator-outside", "check", "does not start, though it is there", "sandbox = false", "c", "No such file"},
	"offline-inside-builder":   {"step-offline", "check", "was not found while a step of the build downloaded", "", "bash-4.4.tar.gz", "ftpmirror"},

	"eval-no-such-host":       {"no-host", "preview", "no image for this host", "nixosConfigurations.bach", "", ""},
	"eval-syntax-error":       {"syntax", "preview", "Syntax error", "FLAKE/configuration.nix:18: syntax error, unexpected ';'", "", ""},
	"eval-throw":              {"", "preview", "Nix cannot work with configuration.nix.", "FLAKE/configuration.nix:18: piwiz: you forgot the time zone", "", ""},
	"eval-undefined-variable": {"undefined-variable", "preview", "The name undefinedVariable is not known.", "FLAKE/configuration.nix:18", "", ""},
	"eval-unknown-option":     {"no-option", "preview", "The option services.avahi.enabel does not exist.", "FLAKE/configuration.nix:4", "", ""},
	"eval-unknown-suboption":  {"no-option", "preview", "The option users.users.pi.openssh.authorizedKeys.keyss does not exist.", "FLAKE/configuration.nix:7", "", ""},
	"eval-wrong-type":         {"wrong-type", "preview", "The option time.timeZone has a value of the wrong type: it expects null or string.", "FLAKE/configuration.nix:6", "", ""},

	"interrupt-int":        {"interrupted", "", "The build was interrupted.", "", "", ""},
	"interrupt-int-group":  {"interrupted", "", "The build was interrupted.", "", "", ""},
	"interrupt-term":       {"interrupted", "", "The build was interrupted.", "", "", ""},
	"daemon-interrupt-int": {"interrupted", "", "The build was interrupted.", "", "", ""},

	"interrupt-kill": nothing, "daemon-client-sigkill": nothing,
	"build-cached": nothing, "build-ok": nothing, "build-odd-log-bytes": nothing, "build-waits-for-lock": nothing,
	"daemon-build-ok": nothing, "input-tarball-sized": nothing, "nix-copy-ssh": nothing, "nix-copy-ssh-ng": nothing,
	"remote-builder": nothing, "substitute-then-build": nothing, "substitute-untrusted-key": nothing, "substituter-down": nothing,
}

// recordings are the names of all recorded logs.
func recordings(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../follow/testdata/logs/*.jsonl")
	if err != nil || len(files) < 120 {
		t.Fatalf("%d logs, %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".jsonl")
	}
	return files
}

func TestEveryRecordedLogIsExplainedByItsFirstCause(t *testing.T) {
	for _, log := range recordings(t) {
		t.Run(log, func(t *testing.T) {
			_, scenario, _ := strings.Cut(log, "-")
			want, ok := recorded[log]
			if !ok {
				want, ok = recorded[scenario]
			}
			if !ok {
				t.Fatal("nobody has said what this log must be explained as")
			}
			dir := flake(t)
			err := Request{Flake: dir, LogFile: "/l"}.explain(replay(t, log), errors.New("exit status 1"))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not an *Error: %v", err)
			}
			t.Logf("%-20s %s | %s", e.Known, e.Headline, strings.Join(e.Hints(), " | "))
			if e.Known != want.known || e.Page != want.page || e.Derivation != want.derivation {
				t.Errorf("known %q, page %q, derivation %q; want %q, %q, %q", e.Known, e.Page, e.Derivation, want.known, want.page, want.derivation)
			}
			if !strings.Contains(e.Headline, want.headline) || !strings.Contains(e.Why, strings.ReplaceAll(want.why, "FLAKE", dir)) {
				t.Errorf("headline %q\nwhy %q", e.Headline, e.Why)
			}
			if !strings.Contains(strings.Join(e.LogTail, "\n"), want.tail) {
				t.Errorf("log tail %q", e.LogTail)
			}
			if want.known == "" && want.page == "" {
				looksOnly(t, e)
			}
		})
	}
}

// looksOnly fails when the error advises something: of a failure that nobody
// knows only the places to look at may be named.
func looksOnly(t *testing.T, e *Error) {
	t.Helper()
	for _, hint := range e.Hints() {
		if !strings.Contains(hint, " full log: ") {
			t.Errorf("advice for an unknown failure: %q", hint)
		}
	}
	if !slices.Contains(e.Hints(), "The full log: less /l") {
		t.Errorf("does not say where the log is: %q", e.Hints())
	}
}

func TestAnUnknownFailureShowsItsLastLinesAndWhereTheLogIs(t *testing.T) {
	err := Request{Flake: flake(t), LogFile: "/l"}.explain(replay(t, "v234-build-fail-exit"), errors.New("exit status 1"))
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), "Its last lines:\n") || !strings.Contains(e.Error(), "has no member named 'bar'") {
		t.Errorf("%v", err)
	}
	if want := "Its full log: nix-store --read-log /nix/store/gz19y58q5yfdbh0dwdyap2dsqm0lckgv-linux-6.18.2-fixture.drv"; e.Hints()[0] != want {
		t.Errorf("hints %q", e.Hints())
	}
}

// TestAnUnknownFailureFitsASmallTerminal leaves room for the log and the frame of
// the page on 80×24, whatever the builder and Nix said, through a daemon too.
func TestAnUnknownFailureFitsASmallTerminal(t *testing.T) {
	long := strings.Repeat("long words ", 400)
	of := func(log []string, cause string) *follow.Watch {
		w := follow.New(forecast.Times{}, nil)
		w.Seen().Logs[mark] = log
		w.Event(nix.Event{Action: nix.Msg, Text: "error: " + cause, Cause: cause})
		return w
	}
	failed := "builder for '" + mark + "' failed with exit code 1;\nlast 25 log lines:\n> " + strings.Join(slices.Repeat([]string{long}, 25), "\n> ") + "\nFor full logs, run 'nix log " + mark + "'."
	for name, w := range map[string]*follow.Watch{
		"through a daemon": replay(t, "v226-daemon-fail30"), "2.34": replay(t, "v234-build-fail-exit"), "2.8": replay(t, "v28-build-fail-exit"),
		"long lines": of(slices.Repeat([]string{long}, 30), failed), "only quoted": of(nil, failed), "many lines of Nix": of(nil, strings.Repeat("what is this\n", 300)), "one line of Nix": of(nil, long),
	} {
		var e *Error
		if !errors.As((Request{Flake: "/home/me/flake", LogFile: "/home/me/.cache/piwiz/bach/build.log"}).explain(w, errors.New("exit status 1")), &e) || e.Known != "" {
			t.Fatalf("%s: %+v", name, e)
		}
		rows := 0
		for line := range strings.Lines(e.Error() + "\n" + strings.Join(e.Hints(), "\n")) {
			rows += 1 + len([]rune(strings.TrimRight(line, "\n")))/78
		}
		if rows > 14 {
			t.Errorf("%s: %d rows\n%s\n%q", name, rows, e, e.Hints())
		}
	}
}

const mark = "/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-ext4-fs.img.drv"
