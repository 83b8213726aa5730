package builder

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/follow"
)

// A Nix that says what a recorded one said, and fails.
func TestTheLogOfABuildIsForReading(t *testing.T) {
	logs, err := filepath.Glob("../follow/testdata/logs/*fail*.jsonl")
	more, err2 := filepath.Glob("../follow/testdata/logs/*eval-*.jsonl")
	if logs = append(logs, more...); err != nil || err2 != nil || len(logs) < 5 {
		t.Fatal(logs, err, err2)
	}
	for _, recorded := range logs {
		t.Run(filepath.Base(recorded), func(t *testing.T) {
			recorded, err := filepath.Abs(recorded)
			if err != nil {
				t.Fatal(err)
			}
			dir, bin := flake(t), t.TempDir()
			script := fmt.Sprintf("#!/bin/sh\n/bin/cat %s >&2\nprintf '@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\\\u001b[31mred\\\\u001b[0m\"}\\n' >&2\nprintf '\\033]0;title\\007said\\n' >&2\nexit 1\n", recorded)
			if err := os.WriteFile(filepath.Join(bin, "nix"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin)
			var seen []string
			report := func(e follow.Event) {
				if e.Line != "" {
					seen = append(seen, e.Line)
				}
			}
			r := Request{Flake: dir, Host: "bach", OutLink: filepath.Join(dir, "result"), LogFile: filepath.Join(dir, "build.log"), Builder: local("The image is built here.")}
			if _, err := DryRun(t.Context(), r, report); err == nil {
				t.Fatal("it did not fail")
			}
			_, err = Image(t.Context(), r, report)
			if err == nil {
				t.Fatal("it did not fail")
			}
			b, bad := os.ReadFile(r.LogFile)
			text := string(b)
			if bad != nil || strings.ContainsAny(text, "\x1b\x07\r") || strings.Contains(text, "@nix") || strings.Contains(text, `"action"`) {
				t.Errorf("%v\n%q", bad, text)
			}
			// Every line that was seen, in this order, and how it ended.
			rest := text
			for _, line := range append(seen, "\n\n"+err.Error()) {
				_, after, ok := strings.Cut(rest, line)
				if !ok {
					t.Fatalf("%q is missing in\n%s", line, text)
				}
				rest = after
			}
			if !strings.HasPrefix(text, "The image is built here.\n") || !strings.Contains(text, "\nred\nsaid\n") {
				t.Errorf("%s", text)
			}
			raw, err := os.ReadFile(filepath.Join(dir, "build.jsonl"))
			if want, err2 := os.ReadFile(recorded); err != nil || err2 != nil || !strings.HasPrefix(string(raw), string(want)) {
				t.Errorf("what Nix said to programs: %d bytes, %v", len(raw), err)
			}
		})
	}
}
