package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
)

// All that is wrong is told at once, each with its place, before anything is
// asked: what is wrong in a file, with its name, with what this computer knows,
// and with the host that is saved under that name.
func TestAllProblemsAreToldAtOnceBeforeAnyDoubt(t *testing.T) {
	mine, _ := nixgen.CheckName(engine.Computer())
	if _, complaint := nixgen.CheckName(mine); complaint != "" {
		mine = ""
	}
	type fault struct{ put, in, says string }
	faults := map[string]fault{
		"country":  {`country = "DE"`, `country = "UK"`, "line 4: country: "},
		"zone":     {`time_zone = "Europe/Berlin"`, `time_zone = "Mars/Olympus"`, "line 5: time_zone: "},
		"form":     {`user = "alice"`, `user = 4`, "line 3: the value of user has the wrong form"},
		"TOML":     {`locale = "en_US.UTF-8"`, `locale = en_US.UTF-8`, "line 6, column "},
		"unknown":  {`keymap = "de"`, `keymapp = "de"`, "line 7: the key keymapp is not known"},
		"password": {`security = "open"`, `security = "wpa2"`, `line 10: networks[0].ssid: the password of the Wi-Fi network "Cellar" is not known`},
		"second":   {`security = "open" # 2`, `security = "wpa3"`, `line 13: networks[1].ssid: the password of the Wi-Fi network "Attic" is not known`},
	}
	good := "name = \"haydn\"\nboard = \"zero2w\"\nuser = \"alice\"\ncountry = \"DE\"\ntime_zone = \"Europe/Berlin\"\nlocale = \"en_US.UTF-8\"\nkeymap = \"de\"\n" +
		strings.Split(goodAnswers, "\n")[3] + "\n[[networks]]\nssid = \"Cellar\"\nsecurity = \"open\"\n[[networks]]\nssid = \"Attic\"\nsecurity = \"open\" # 2\n"
	names := []string{}
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	u := newPerson(t)
	store := u.has("bach")
	if err := os.Remove(store.Path("bach", "secrets/ssh_host_ed25519_key")); err != nil {
		t.Fatal(err)
	}
	lost := store.Path("bach", "secrets/ssh_host_ed25519_key") + ": the host key is missing"
	tell := func(set []string, host string) {
		t.Helper()
		text, want := good, []string{}
		if host != "haydn" {
			text = strings.Replace(text, "haydn", host, 1)
		}
		switch host {
		case "bach":
			want = append(want, lost)
		case mine:
			want = append(want, "line 1: name: ")
		}
		for _, name := range set {
			f := faults[name]
			text = strings.Replace(text, f.put, f.in, 1)
			want = append(want, f.says)
		}
		file := u.file("bach.toml", text)
		_, stderr, code := u.piwiz("build", file)
		for _, w := range want {
			if strings.Count(stderr, w) != 1 || !strings.Contains(stderr, file) {
				t.Errorf("%v of %s: %q is told %d times:\n%s", set, host, w, strings.Count(stderr, w), stderr)
			}
		}
		if code == 0 || strings.Contains(stderr, "must be confirmed first") || len(want) > 0 && !strings.Contains(stderr, "\n  ") {
			t.Errorf("%v of %s: exit code %d, a question or no remedy:\n%s", set, host, code, stderr)
		}
	}
	// Each pair, with each state of the host; and all.
	for i, a := range names {
		for _, b := range names[:i] {
			tell([]string{a, b}, []string{"haydn", "bach", mine}[i%3])
		}
	}
	tell(names, "bach")
	if mine != "" {
		tell(names[:3], mine)
	}
}

func TestProblemsOfTheOtherVerbsAreToldAtOnce(t *testing.T) {
	u := newPerson(t)
	u.has("bach")
	there := u.file("there.age", "")
	for _, c := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"hosts", "export", "nobody", "--to", there, "--recipient", "x", "--recipient", "age1y"}, failed, []string{"no saved host nobody", "there.age already exists", "x: no such file", "age1y: ", "--to FILE", "`piwiz hosts` lists"}},
		{[]string{"hosts", "import", "/none.age", "--as", "Ba_ch", "--identity", "/none.key", "--identity", "/none2"}, failed, []string{"/none.age", "not a valid host name", "/none.key: ", "/none2: "}},
		{[]string{"hosts", "rename", "nobody", "Ba_ch"}, failed, []string{"no saved host nobody", "not a valid host name"}},
	} {
		_, stderr, code := u.piwiz(c.args...)
		for _, s := range c.says {
			if code != c.code || !strings.Contains(stderr, s) {
				t.Errorf("%v: exit code %d, %q is not told:\n%s", c.args, code, s, stderr)
			}
		}
	}
}

// Nothing but the options that say so lets a verb go on where it would ask: not
// an answer that comes out of a pipe, nor a terminal that is none.
func TestNobodyThereIsNoYes(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	zero := u.file("zero.toml", strings.Replace(goodAnswers, `"4"`, `"zero2w"`, 1))
	for _, args := range [][]string{
		{"build", zero},
		{"build", zero, "--yes"}, // that is for what takes hours
		{"build", zero, "--confirm", "all"},
		{"build", zero, "--confirm", "no-network"},
		{"hosts", "forget", "bach"},
		{"hosts", "forget", "bach", "--json"},
	} {
		for _, said := range []string{"", "y\n", "yes\n", "bach\n", strings.Repeat("y\n", 100)} {
			cmd := u.command(args...)
			cmd.Stdin, cmd.SysProcAttr = strings.NewReader(said), &syscall.SysProcAttr{Setsid: true}
			if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != refused {
				t.Errorf("%v, told %q: exit code %d\n%s", args, said, cmd.ProcessState.ExitCode(), out)
			}
		}
	}
	if _, err := store.Load("bach"); err != nil {
		t.Error(err)
	}
	if found, _ := filepath.Glob(store.Path("*")); len(found) != 1 {
		t.Errorf("saved: %v", found)
	}
	if _, _, code := u.piwiz("hosts", "forget", "bach", "--yes"); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The exit code of several problems is that of what has to be changed.
func TestTheCodeOfSeveralProblems(t *testing.T) {
	one := map[int]error{failed: fmt.Errorf("x"), refused: &exit{refused, fmt.Errorf("x")}, lacking: &exit{lacking, fmt.Errorf("x")}, usage: &exit{usage, fmt.Errorf("x")}}
	for _, c := range [][]int{{failed, refused, lacking}, {failed, lacking, failed}, {refused, lacking, refused}, {lacking, lacking}, {usage, failed, usage}} {
		want := c[len(c)-1]
		if len(c) == 3 && c[0] == failed && c[1] == refused {
			want = failed
		}
		var all problems
		for _, code := range c[:2] {
			all.add(one[code])
		}
		if got := codeOf(fmt.Errorf("build: %w", all.err())); got != want {
			t.Errorf("%v: %d, want %d", c[:2], got, want)
		}
	}
}
