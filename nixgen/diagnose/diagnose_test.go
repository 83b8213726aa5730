package diagnose

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/nix"
)

const drv = "/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-ext4-fs.img.drv"

// wordings are how Nix says that a builder failed: up to 2.28, 2.29 to 2.33,
// from 2.34 on.
var wordings = []string{
	"builder for '" + drv + "' failed with exit code 1",
	"Cannot build '" + drv + "'.\nReason: builder failed with exit code 1.\nOutput paths:\n  /nix/store/x-ext4-fs.img",
	"Cannot build '" + drv + "'.\nReason: builder failed with exit code 1.\nLast 1 log lines:\n> x\nFor full logs, run:\n  nix log " + drv,
}

// line is a line as Nix writes it.
func line(t *testing.T, level nix.Level, cause string) string {
	t.Helper()
	msg := "error: " + strings.ReplaceAll(cause, "\n", "\n       ")
	if level == nix.LevelWarn {
		msg = "warning: " + cause
	}
	b, err := json.Marshal(map[string]any{"action": "msg", "level": level, "msg": "\x1b[31;1m" + msg + "\x1b[0m", "raw_msg": cause})
	if err != nil {
		t.Fatal(err)
	}
	return "@nix " + string(b)
}

// notice is what a daemon passes on: at the level of errors, with no cause.
func notice(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"action": "msg", "level": 0, "msg": text})
	if err != nil {
		t.Fatal(err)
	}
	return "@nix " + string(b)
}

// see is a run of Nix that said lines; log are the last words of drv.
func see(t *testing.T, log string, lines ...string) Seen {
	t.Helper()
	s := Seen{Flake: "/home/me/flake", Logs: map[string][]string{}}
	if log != "" {
		s.Logs[drv] = strings.Split(log, "\n")
	}
	d := nix.NewDecoder(strings.NewReader(strings.Join(lines, "\n")))
	for {
		e, err := d.Next()
		if err != nil {
			return s
		}
		s.Note(e)
	}
}

// check diagnoses what was said and fails when it is not row want. It returns
// what every pattern was held against.
func check(t *testing.T, want string, s Seen) row.Statement {
	t.Helper()
	d := Of(s)
	if d.Name != want {
		t.Errorf("diagnosed as %q, want %q: %s\n%+v", d.Name, want, d.Headline, s.said)
	}
	if d.Headline == "" || strings.Contains(d.Headline+d.Why+strings.Join(d.Do, ""), "$1") || strings.Contains(strings.Join(d.Do, ""), "FLAKE") {
		t.Errorf("%s: a place was left open: %+v", want, d)
	}
	e, at := s.first()
	cause, _ := unquote(words(e))
	return row.Statement{Cause: cause, Log: row.LastWords(s.Logs[drv]), Rest: s.rest(at)}
}

func TestEveryPatternOfTheTableIsSpokenBySomeNix(t *testing.T) {
	heard := map[string]bool{}
	hear := func(name string, said row.Statement) {
		for _, r := range known {
			if r.Name != name {
				continue
			}
			for text, patterns := range map[string][]string{said.Cause: r.Nix, said.Rest: r.With} {
				for _, p := range patterns {
					heard[name+p] = heard[name+p] || row.Pattern(p).MatchString(text)
				}
			}
			for _, p := range r.Log {
				heard[name+p] = heard[name+p] || row.Witness([]string{p}, said.Log) != nil
			}
		}
	}
	for _, c := range spoken {
		t.Run(c.want, func(t *testing.T) {
			var lines []string
			if c.warning != "" {
				lines = append(lines, line(t, nix.LevelWarn, c.warning))
			}
			if c.program != "" {
				lines = append(lines, c.program)
			}
			if c.notice != "" {
				lines = append(lines, notice(t, c.notice))
			}
			for _, cause := range c.nix {
				s := see(t, "", append(lines, line(t, nix.LevelError, cause))...)
				s.Where = c.where
				hear(c.want, check(t, c.want, s))
			}
			for _, log := range c.log {
				for _, cause := range wordings {
					s := see(t, log, line(t, nix.LevelError, cause))
					hear(c.want, check(t, c.want, s))
					if d := Of(s); d.Derivation != drv || len(d.LogTail) == 0 {
						t.Errorf("derivation %q, log %q", d.Derivation, d.LogTail)
					}
				}
			}
		})
	}
	for _, r := range known {
		for _, p := range slices.Concat(r.Nix, r.Log, r.With) {
			if !heard[r.Name+p] {
				t.Errorf("%s: no message shows that this is ever said: %s", r.Name, p)
			}
		}
	}
}

func TestEveryKnownFailureSaysWhatToDo(t *testing.T) {
	names := map[string]bool{}
	for _, r := range known {
		if names[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		names[r.Name] = true
		if !strings.HasSuffix(r.Headline, ".") && !strings.HasSuffix(r.Headline, "?") {
			t.Errorf("%s: the headline is no sentence: %q", r.Name, r.Headline)
		}
		if r.Why == "" && !r.Verbatim {
			t.Errorf("%s: no reason is given", r.Name)
		}
		if !slices.Contains([]string{"check", "preview"}, r.Page) && len(r.Do) == 0 {
			t.Errorf("%s: leads nowhere (page %q)", r.Name, r.Page)
		}
	}
	if len(known) < 45 {
		t.Errorf("%d failures are known", len(known))
	}
}

func TestAConsequenceIsNeverTheCause(t *testing.T) {
	for _, consequence := range []string{
		"1 dependencies of derivation '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-sd-image.drv' failed to build",
		"Cannot build '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-sd-image.drv'.\nReason: 1 dependency failed.\nOutput paths:\n  /nix/store/x",
		"Cannot build '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-sd-image.drv'.\nReason: 12 dependencies failed.",
		"Build failed due to failed dependency",
		"build of '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-sd-image.drv^out' failed",
		"interrupted by the user",
	} {
		for _, cause := range wordings {
			said := []string{line(t, nix.LevelError, consequence), line(t, nix.LevelError, cause)}
			for range 2 { // whichever comes first
				if d := Of(see(t, "it broke", said...)); d.Derivation != drv || d.Name != "" || d.LogTail[0] != "it broke" {
					t.Errorf("%q before %q: %+v", consequence, cause, d)
				}
				slices.Reverse(said)
			}
		}
	}
}

func TestAFullDiskIsFoundBehindItsDisguise(t *testing.T) {
	offline := line(t, nix.LevelError, "unable to download 'https://cache.nixos.org/nar/x.nar.xz': Could not resolve hostname (6)")
	for _, warning := range []string{
		"error (ignored): writing to file: No space left on device",
		"unable to download 'https://cache.nixos.org/nar/x.nar.xz': writing to file: No space left on device; retrying in 260 ms",
	} {
		check(t, "disk-full", see(t, "", line(t, nix.LevelWarn, warning), offline))
	}
	check(t, "offline", see(t, "", line(t, nix.LevelWarn, "error (ignored): something else"), offline))
}

func TestAnUnknownFailureGetsNoAdvice(t *testing.T) {
	for _, cause := range append(slices.Clone(wordings), "the moon is full", "") {
		var lines []string
		if cause != "" {
			lines = []string{line(t, nix.LevelError, cause)}
		}
		if d := Of(see(t, "first\nlast", lines...)); d.Name != "" || len(d.Do) > 0 || d.Page != "" || d.Headline == "" {
			t.Errorf("%q: %+v", cause, d)
		}
	}
}

// userFlake is a folder with generated files and the user's own, and the name
// of the copy that Nix makes of it.
func userFlake(t *testing.T) (dir, source string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"flake.nix":         "{ }\n",
		"piwiz.nix":         "{\n  networking.hostName = \"bach\";\n}\n",
		"configuration.nix": "{\n  # services.avahi.enabel\n  services.avahi = {\n    enabel = true;\n  };\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, "/nix/store/pslz09zi416axinpx9abkf22h9fpm6y1-source"
}

func TestAMistakeInTheUsersFileNamesItsLine(t *testing.T) {
	dir, source := userFlake(t)
	s := see(t, "", line(t, nix.LevelError, "The option `services.avahi.enabel' does not exist. Definition values:\n- In `"+source+"/configuration.nix'"))
	s.Flake = dir
	d := Of(s)
	where := dir + "/configuration.nix:4"
	if d.Name != "no-option" || d.Page != "preview" || !strings.Contains(d.Why, where) || !strings.Contains(d.Do[0], where) {
		t.Errorf("%+v", d)
	}
	if strings.Contains(d.Why, "/nix/store/") {
		t.Errorf("names Nix's copy: %s", d.Why)
	}
}

func TestAMistakeInAGeneratedFileIsPiwizsOwn(t *testing.T) {
	dir, source := userFlake(t)
	for _, said := range []string{
		line(t, nix.LevelError, "The option `networking.hostName' does not exist. Definition values:\n- In `"+source+"/piwiz.nix'"),
		`@nix {"action":"msg","level":0,"msg":"error: syntax error, unexpected ';'","raw_msg":"syntax error, unexpected ';'","file":"` + source + `/piwiz.nix","line":2,"column":3}`,
		`@nix {"action":"msg","level":0,"msg":"error: undefined variable 'libb'","raw_msg":"undefined variable 'libb'","file":"` + source + `/flake.nix:2:3","line":2,"column":3}`,
	} {
		s := see(t, "", `@nix {"action":"msg","level":6,"msg":"evaluating file '`+source+`/flake.nix'"}`, said)
		s.Flake = dir
		if d := Of(s); d.Page != "" || len(d.Do) != 1 || d.Do[0] != report || !strings.Contains(d.Why, "a mistake of piwiz, not yours") {
			t.Errorf("%s\n%+v", said, d)
		}
	}
}

func TestTheUsersFileIsAccusedBeforeAGeneratedOne(t *testing.T) {
	dir, source := userFlake(t)
	s := see(t, "", line(t, nix.LevelError, "The option `networking.hostName' has conflicting definition values:\n- In `"+source+"/piwiz.nix': \"bach\"\n- In `"+source+"/configuration.nix': \"liszt\""))
	s.Flake = dir
	if d := Of(s); d.Name != "conflict" || d.Page != "preview" || !strings.Contains(d.Do[0], "configuration.nix") {
		t.Errorf("%+v", d)
	}
}

func TestTheCauseIsKeptBehindAnyNumberOfNotices(t *testing.T) {
	full := line(t, nix.LevelError, "database or disk is full")
	for _, before := range []string{
		line(t, nix.LevelWarn, "not the cause"), notice(t, "running auto-GC to free 1 bytes"), notice(t, strings.Repeat("keeping build directory '/x' ", 300)),
		line(t, nix.LevelError, "build of '"+drv+"' failed"), "a line of ssh", notice(t, "warning: error: unable to download 'x': retrying"),
	} {
		s := see(t, "", append(slices.Repeat([]string{before}, 500), full)...)
		check(t, "disk-full", s)
		bytes := 0
		for _, e := range s.said {
			bytes += len(e.Text) + len(e.Cause)
		}
		if len(s.said) > 4*most || bytes > 4*most*mostLine {
			t.Errorf("%.40q: %d messages, %d bytes kept", before, len(s.said), bytes)
		}
	}
	early := line(t, nix.LevelWarn, "error (ignored): writing to file: No space left on device")
	check(t, "disk-full", see(t, "", append(slices.Repeat([]string{notice(t, "x")}, 1000), early, line(t, nix.LevelError, wordings[0]))...))
	check(t, "builder-unreachable", see(t, "", append(slices.Repeat([]string{notice(t, "x")}, 1000),
		"ssh: connect to host builder port 22: Connection refused", line(t, nix.LevelError, startNone))...))
}

// TestANoticeIsNeverTheCause has what Nix says through a daemon at the level of
// errors. The true error comes behind it.
func TestANoticeIsNeverTheCause(t *testing.T) {
	for _, said := range []string{
		"running auto-GC to free 10737418240 bytes", "keeping build directory '/tmp/nix-build-x.drv-0'", "SSH stdout first line:", "SSH stdout first line: x",
		"note: keeping build directory '/nix/var/nix/builds/x'", "waiting for locks or build slots...", "deleting '/nix/store/x'", "deleting unused links...",
		"cannot build on 'ssh-ng://pi@builder': error: failed to start SSH connection to 'pi@builder'", "warning: ignoring the client-specified setting 'x'",
		"building '" + drv + "'...", "copying path '/nix/store/x' from 'https://cache.nixos.org'...", "checking outputs of '" + drv + "'...", "No space left in the sun",
	} {
		for _, c := range spoken[:20] {
			if c.program+c.warning+c.notice != "" || len(c.nix) == 0 || c.want == "missing-feature" {
				continue
			}
			check(t, c.want, see(t, "", notice(t, said), line(t, nix.LevelError, c.nix[0])))
		}
		if d := Of(see(t, "", notice(t, said))); d.Name != "" || d.Headline != "Nix stopped without saying why." {
			t.Errorf("%q: %+v", said, d)
		}
	}
}

// TestALogIsBelievedOnlyWhereItEnds puts the last words of every known failure
// where they are none: on the way, and into the mouth of a test.
func TestALogIsBelievedOnlyWhereItEnds(t *testing.T) {
	suite := []string{"PASS: parse", "PASS: print", "FAIL: round_trip (expected 3, got 4)", "# TOTAL: 3", "# FAIL: 1", "make[2]: *** [Makefile:901: test-suite.log] Error 1"}
	for _, c := range spoken {
		for _, log := range c.log {
			mentions := strings.Split(log, "\n")
			for _, lines := range [][]string{
				slices.Concat(mentions, suite),
				slices.Concat(mentions, []string{"x.c:3:1: error: unknown type name 'foo'", "make: *** [Makefile:3: x.o] Error 1"}),
				slices.Concat(mentions, []string{"ValueError: 3 is not 4"}, slices.Repeat([]string{"x"}, 1)),
				slices.Concat([]string{"test disk::full ... " + mentions[0] + " ... ok"}, suite),
				slices.Concat(mentions, slices.Repeat([]string{"[ 52%] Building C object CMakeFiles/x.dir/y.c.o"}, row.Near+1)),
			} {
				if d := Of(see(t, strings.Join(lines, "\n"), line(t, nix.LevelError, wordings[0]))); d.Name != "" {
					t.Errorf("%s is believed:\n%s", d.Name, strings.Join(lines, "\n"))
				}
			}
		}
	}
}

// TestTheQuotedLinesOfABuilderAreNoMessageOfNix: an error quotes the last lines
// of the log, and a test suite in them is no more to be believed.
func TestTheQuotedLinesOfABuilderAreNoMessageOfNix(t *testing.T) {
	quote := func(lines ...string) string {
		return "builder for '" + drv + "' failed with exit code 2;\nlast 3 log lines:\n> " + strings.Join(lines, "\n> ") + "\nFor full logs, run 'nix log " + drv + "'."
	}
	d := Of(see(t, "", line(t, nix.LevelError, quote("ok 1 - No space left on device", "not ok 2 - adds", "make: *** [check] Error 1"))))
	if d.Name != "" || len(d.LogTail) != 3 || strings.Contains(d.Why, "not ok") || strings.Contains(d.Why, "nix log") {
		t.Errorf("%+v", d)
	}
	check(t, "disk-full", see(t, "", line(t, nix.LevelError, quote("a", "b", "cp: error writing 'x': No space left on device"))))
}

// TestAdviceIsForTheComputerOnWhichItHappened has every known failure on another
// computer, in a container and in piwiz's own Nix.
func TestAdviceIsForTheComputerOnWhichItHappened(t *testing.T) {
	const host = "pi@builder"
	boxed := Where{Engine: "podman"}
	for _, c := range spoken {
		if len(c.where.Hosts) > 0 || c.notice != "" {
			continue
		}
		var lines []string
		if c.warning != "" {
			lines = append(lines, line(t, nix.LevelWarn, c.warning))
		}
		lines = append(lines, c.program)
		for i := range max(len(c.nix), len(c.log)) {
			var runs []Seen
			if i < len(c.nix) {
				runs = append(runs, see(t, "", append(lines, line(t, nix.LevelError, c.nix[i]))...))
			}
			if i < len(c.log) {
				runs = append(runs, see(t, c.log[i], line(t, nix.LevelError, wordings[0])))
			}
			for n, s := range runs {
				s.Where = boxed
				d := Of(s)
				if said := strings.Join(append(d.Do, d.Headline), "\n"); strings.Contains(said, "ENGINE") || ofTheComputer.MatchString(said) || len(d.Do) == 0 && d.Name != "syntax" && d.Page == "check" {
					t.Errorf("%s in a container: %s %q", d.Name, d.Headline, d.Do)
				}
				s.Where = Where{Own: "/home/alice/my nix"}
				d = Of(s)
				if ofNixHere.MatchString(strings.Join(d.Do, "\n")) || len(d.Do) == 0 && d.Name != "syntax" && d.Page == "check" {
					t.Errorf("%s in piwiz's own Nix: %s %q", d.Name, d.Headline, d.Do)
				}
				s.Where, s.Machines = Where{}, map[string]string{d.Derivation: "ssh-ng://" + host + "?compress=true"}
				d = Of(s)
				r := known[slices.IndexFunc(known, func(r row.Row) bool { return r.Name == d.Name })]
				if r.Side == row.AnySide || d.Derivation == "" {
					continue
				}
				said := strings.Join(append(d.Do, d.Headline), "\n")
				for _, do := range d.Do {
					if !strings.Contains(do, host) && do != row.Again && !strings.HasPrefix(do, "Build again") {
						t.Errorf("%s on another computer (%d): %q does not say where", d.Name, n, do)
					}
				}
				if strings.Contains(said, "this computer") || !strings.Contains(d.Headline, host) || strings.Contains(said, "COMPUTER") || len(d.Do) == 0 {
					t.Errorf("%s on another computer: %s %q", d.Name, d.Headline, d.Do)
				}
			}
		}
	}
}

func TestANoticeOfTheServerIsNotTheCause(t *testing.T) {
	s := see(t, "sshd.conf line 3: Deprecated option UsePrivilegeSeparation\nsshd.conf line 12: Bad configuration option: x", line(t, nix.LevelError, wordings[0]))
	if d := Of(s); !strings.Contains(d.Headline, "Bad configuration option: x") {
		t.Errorf("%+v", d)
	}
}

// FuzzOf has anything said: the words of Nix are not ours, and whatever they
// are the user gets one sentence, and no place left open in the advice.
func FuzzOf(f *testing.F) {
	for _, c := range spoken {
		for _, cause := range c.nix {
			f.Add(cause, c.warning, strings.Join(c.log, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, cause, warning, log string) {
		d := Of(see(t, log, line(t, nix.LevelWarn, warning), line(t, nix.LevelError, cause), line(t, nix.LevelError, wordings[0])))
		if d.Headline == "" || d.Name == "" && d.Page != "" && d.Page != "preview" {
			t.Errorf("%+v", d)
		}
	})
}

// TestWhatAnotherComputerSaysIsAboutIt puts before each cause what Nix does when
// the computer that should build said it: it is the same failure, over there.
func TestWhatAnotherComputerSaysIsAboutIt(t *testing.T) {
	const host = "pi@builder"
	heard := 0
	for _, c := range spoken {
		i := slices.IndexFunc(known, func(r row.Row) bool { return r.Name == c.want })
		if c.warning+c.program+c.notice != "" || c.where.Engine != "" || len(c.where.Hosts) > 0 || known[i].Verbatim {
			continue
		}
		for _, cause := range c.nix {
			if consequence.MatchString(cause) || strings.HasPrefix(c.want, "builder-") || c.want == "no-jobs" {
				continue
			}
			heard++
			said := "build of '" + drv + "' on 'ssh-ng://" + host + "' failed: error: " + cause
			for way, s := range map[string]Seen{"here": see(t, "", line(t, nix.LevelError, said)), "through a daemon": see(t, "", notice(t, "error: "+said))} {
				s.Where = Where{Hosts: []string{host}}
				d := Of(s)
				if d.Name != c.want || d.Derivation != drv {
					t.Errorf("%s, %s: %q of %q: %s", c.want, way, d.Name, d.Derivation, cause)
				}
				advice := strings.Join(append(d.Do, d.Headline), "\n")
				if known[i].Side != row.AnySide && (!strings.Contains(advice, host) || strings.Contains(advice, "this computer")) {
					t.Errorf("%s, %s: not about %s:\n%s", c.want, way, host, advice)
				}
			}
		}
	}
	if heard < 60 {
		t.Errorf("only %d causes were heard", heard)
	}
}

// TestACacheThatNixDoesWithoutIsNotTheCause lets a cache fail and then, as with
// fallback = true, the step that was built instead. Alone it is the cause.
func TestACacheThatNixDoesWithoutIsNotTheCause(t *testing.T) {
	for cause, want := range map[string]string{
		"file 'nar/x.nar.xz' does not exist in binary cache 'https://cache.example.org'":             "cache-lost",
		"hash mismatch importing path '/nix/store/x';\n  specified: sha256:a\n  got:       sha256:b": "damaged-download",
		"Failed to open archive (Lzma library error: Corrupted input data)":                          "damaged-download",
		"failed to read compressed data (truncated gzip input)":                                      "damaged-download",
		"unable to download 'https://cache.example.org/x.narinfo': Could not resolve hostname (6)":   "offline",
		"unable to download 'https://cache.example.org/nar/x.nar.xz': HTTP error 503":                "server-trouble",
		"unable to download 'https://cache.example.org/nix-cache-info': Timeout was reached (28)":    "no-connection",
	} {
		gone := "some substitutes for the outputs of derivation '" + drv + "' failed (usually happens due to networking issues); try '--fallback' to build derivation from source"
		check(t, want, see(t, "", line(t, nix.LevelError, cause), notice(t, "error: "+gone)))
		for _, failed := range wordings {
			s := see(t, "", notice(t, "error: "+cause), line(t, nix.LevelError, failed))
			check(t, "", s)
			if d := Of(s); d.Derivation != drv {
				t.Errorf("%s: blamed is %+v", cause, d)
			}
		}
	}
}
