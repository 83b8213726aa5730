package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/preflight"
)

func TestAFindingKeepsWhatTheLeafKnows(t *testing.T) {
	for _, c := range []struct {
		err  error
		want preflight.Finding
	}{
		{nil, preflight.Finding{State: preflight.OK, What: "good"}},
		{&preflight.Problem{Headline: "bad", Why: "because", Command: "sudo x", Todo: []string{"log out"}}, preflight.Finding{State: preflight.Failure, What: "bad", Why: "because", Command: "sudo x", Todo: []string{"log out"}}},
		{&preflight.Problem{Headline: "little", Warning: true}, preflight.Finding{State: preflight.Warning, What: "little"}},
		{hinted{"sudo a", "sudo b"}, preflight.Finding{State: preflight.Failure, What: "hinted", Command: "sudo a && sudo b"}},
		{hinted{"sudo a", "If that does not help: sudo b"}, preflight.Finding{State: preflight.Failure, What: "hinted", Command: "sudo a", Todo: []string{"If that does not help: sudo b"}}},
		{hinted{"Add this line", "Then: sudo b"}, preflight.Finding{State: preflight.Failure, What: "hinted", Todo: []string{"Add this line", "Then: sudo b"}}},
	} {
		got := preflight.Found("good", c.err)
		if got.State != c.want.State || got.What != c.want.What || got.Why != c.want.Why || got.Command != c.want.Command || strings.Join(got.Todo, "|") != strings.Join(c.want.Todo, "|") {
			t.Errorf("%v: %+v, want %+v", c.err, got, c.want)
		}
	}
	if got := preflight.Found("", preflight.ErrEarlier); got.State != preflight.Skipped {
		t.Errorf("%+v", got)
	}
}

type hinted []string

func (h hinted) Error() string   { return "hinted" }
func (h hinted) Hints() []string { return h }

func TestTheTestBuildIsTriedWhenTheOthersPassOrWhenAskedFor(t *testing.T) {
	for _, c := range []struct {
		first preflight.State
		deep  bool
		want  preflight.State
	}{
		{preflight.OK, false, preflight.OK},
		{preflight.Warning, false, preflight.OK},
		{preflight.Failure, false, preflight.Skipped},
		{preflight.Failure, true, preflight.OK},
	} {
		all := []preflight.Check{
			{Name: "first", Run: func(context.Context) preflight.Finding { return preflight.Finding{State: c.first} }},
			{Name: "test build", Last: true, Run: func(context.Context) preflight.Finding { return preflight.Finding{State: preflight.OK} }},
		}
		got := make([]preflight.State, len(all))
		ask(t.Context(), all, c.deep, func(i int, f preflight.Finding) { got[i] = f.State })
		if got[0] != c.first || got[1] != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

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
	if err := writable(filepath.Join(home, "piwiz/hosts")); err != nil {
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
	if err := writable(filepath.Join(file, "hosts")); !errors.As(err, &p) || len(p.Todo) == 0 {
		t.Errorf("%v", err)
	}
}
