package follow

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// replay runs a recorded log (testdata/logs, NAME begins with the version of
// Nix) through the watch, at the times of NAME.times when there are some.
func replay(t testing.TB, name string, report func(Event)) *Watch {
	t.Helper()
	return replayAfter(t, name, forecast.Times{}, report)
}

// replayAfter is replay on a computer where earlier builds took times.
func replayAfter(t testing.TB, name string, past forecast.Times, report func(Event)) *Watch {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/logs", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	times, _ := os.ReadFile(filepath.Join("testdata/logs", name+".times"))
	ms := strings.Fields(string(times))
	began := time.Unix(1e9, 0)
	clock := began
	w := newWatch(func() time.Time { return clock }, past, report)
	for d := nix.NewDecoder(f); ; {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return w
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) > 0 {
			n, err := strconv.Atoi(ms[0])
			if err != nil {
				t.Fatal(err)
			}
			clock, ms = began.Add(time.Duration(n)*time.Millisecond), ms[1:]
		}
		w.Event(e)
	}
}

func TestOddBytesOfABuilderDoNotReachTheScreen(t *testing.T) {
	for _, log := range recordings(t) {
		replay(t, log, func(e Event) {
			if strings.ContainsAny(e.Line, "\x00\x1b\r\n\b") {
				t.Errorf("%s: line %q", log, e.Line)
			}
		})
	}
}

func TestOnlyTheCauseOfATraceIsShown(t *testing.T) {
	for log, want := range map[string]string{
		"v226-eval-unknown-option": "error: The option `services.avahi.enabel' does not exist. Definition values:",
		"v234-eval-throw":          "error: piwiz: you forgot the time zone",
	} {
		var lines []string
		replay(t, log, func(e Event) {
			if e.Error && e.Line != "" {
				lines = append(lines, e.Line)
			}
		})
		if len(lines) == 0 || len(lines) > 2 || lines[0] != want {
			t.Errorf("%s: %q", log, lines)
		}
	}
}

// recordings are the names of all recorded logs.
func recordings(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/logs/*.jsonl")
	if err != nil || len(files) < 120 {
		t.Fatalf("%d logs, %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".jsonl")
	}
	return files
}
