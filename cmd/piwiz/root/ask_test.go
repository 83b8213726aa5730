package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCommandThatIsShownIsTheOneThatIsRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh to judge the quoting")
	}
	words := []string{"open", "/dev/sda", `{"serial":"it's $HOME ` + "`x`" + ` \\ \"*;&|~ {a,b}"}`, ""}
	a := Asker{Self: "/home/a b/it's/piwiz", Words: words}
	out, err := exec.Command("sh", "-c", `printf '%s\n' `+a.Command()).Output()
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	want := append([]string{a.Self, "grant"}, words...)
	if os.Geteuid() != 0 {
		got = got[1:] // what gives the rights
	}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
}

// Each script stands for sudo and what it runs.
func TestNonsenseAndSilenceAreNoAnswer(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh to stand for sudo")
	}
	for script, want := range map[string]string{
		"printf hello >&0":             "an invalid answer",
		"printf '0000000002\\n{' >&0":  "an invalid answer",
		"printf '0000000002\\n[]' >&0": "an invalid answer",
		"head -c 100000 /dev/zero >&0": "an invalid answer",
		`printf '0000000041\n{"failure":{"text":"the card is locked"}}' >&0`: "the card is locked",
		"exit 1":     "administrator rights were not given",
		"exit 2":     "does not connect the program it starts to piwiz",
		"kill -9 $$": "administrator rights were not given",
	} {
		var a Asker
		_, err := a.ask("sh", []string{"-c", script}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		a.End()
	}
}

func TestTheExitCodeTellsWhetherAllWasPutBack(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh to stand for sudo")
	}
	for _, code := range []string{"0", "1"} {
		var a Asker
		script := "printf '0000000002\\n{}' >&0; cat > /dev/null; exit " + code
		if f, err := a.ask("sh", []string{"-c", script}, nil); f != nil || err != nil {
			t.Errorf("%v, %v", f, err)
		}
		if got := a.End(); got != int(code[0]-'0') {
			t.Errorf("%d, want %s", got, code)
		}
		if got := a.End(); got != 0 {
			t.Errorf("it was ended twice: %d", got)
		}
	}
}

// A shell of sudo, and sudo piwiz, name the user that they were made for.
func TestRootAsksItselfAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	script := filepath.Join(t.TempDir(), "piwiz")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntext='{\"failure\":{\"text\":\"'\"$SUDO_UID/$PKEXEC_UID/$OTHER\"'\"}}'\nprintf '%010d\\n%s' ${#text} \"$text\" >&0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"SUDO_UID": "1000", "PKEXEC_UID": "1000", "OTHER": "kept"} {
		t.Setenv(name, value)
	}
	a := Asker{Self: script}
	if err := a.Ask(nil); err == nil || err.Error() != "//kept" {
		t.Errorf("%v", err)
	}
}
