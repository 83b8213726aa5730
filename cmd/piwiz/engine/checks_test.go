package engine

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
)

func TestARepairShowsItsCommandAndSaysHowItFailed(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil && os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a shell (apt-get install dash)")
	}
	var out bytes.Buffer
	r := &repair{command: "echo done; read answer; echo got $answer"}
	r.SetStdin(strings.NewReader("yes\n"))
	r.SetStdout(&out)
	r.SetStderr(&out)
	if err := r.Run(); err != nil || out.String() != "\n$ echo done; read answer; echo got $answer\n\ndone\ngot yes\n" {
		t.Errorf("%v, %q", err, out.String())
	}
	for command, want := range map[string]string{
		"exit 3":                                              "The command failed with exit code 3.",
		"echo E: no such package >&2; exit 100":               "The command failed with exit code 100: E: no such package",
		"printf 'one\\ntwo\\n\\n' >&2; exit 1":                "The command failed with exit code 1: two",
		"printf '\\033]0;title\\007\\033[31mred' >&2; exit 1": "The command failed with exit code 1: red",
		"kill -9 $$":                                          "The command did not finish (signal: killed).",
		"nosuchprogram":                                       "The command failed with exit code 127: ",
		"sleep 2 >/dev/null & exit 0":                         "", // a service holds standard error
		"head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1":   "The command failed with exit code 1: xxx",
	} {
		r = &repair{command: command, in: strings.NewReader(""), out: io.Discard, err: io.Discard}
		err := r.Run()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 500) {
			t.Errorf("%s: %v, want %q", command, err, want)
		}
	}
}

func TestNothingIsMadeToFindOutWhetherSettingsCanBeSaved(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	if _, err := With(hostfile.Store{Dir: filepath.Join(home, "piwiz/hosts")}).settings(t.Context()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(home); len(left) > 0 {
		t.Errorf("made %v", left)
	}
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var p *preflight.Problem
	if _, err := With(hostfile.Store{Dir: filepath.Join(file, "hosts")}).settings(t.Context()); !errors.As(err, &p) || p.Warning || !strings.Contains(p.Todo[0], file+" is a file") {
		t.Errorf("%v", err)
	}
	t.Setenv("XDG_STATE_HOME", filepath.Join(file, "state"))
	if _, err := With(hostfile.Store{Dir: home}).settings(t.Context()); !errors.As(err, &p) || !p.Warning || !strings.Contains(p.Todo[0], file+" is a file") {
		t.Errorf("%v", err)
	}
}
