package build

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// waysRecorded are the rows that may explain a scenario of .ci/record-failures,
// "" for no advice: what it is does not depend on the way or on the Nix.
var waysRecorded = map[string][]string{
	"fail": {""}, "fail-30": {""}, "no-output": {""}, "log-mentions-full": {""},
	"killed": {"killed"}, "timeout": {"timeout"}, "silent": {"silent", "timeout"}, // 2.34 says no more
	"log-full": {"disk-full"}, "log-offline": {"step-offline"}, "log-certificate": {"step-certificate"}, "log-damaged": {"damaged-archive"},
	"hash": {"hash-mismatch"}, "interpreter": {"emulator-outside"}, "offline": {"step-offline", "offline"},
	"feature": {"missing-feature", "builder-feature", "builder-idle"}, "platform": {"platform"}, "not-registered": {"not-registered"},
	// Through a daemon the words of ssh go into its journal: the advice is the command that shows them.
	"host-key": {"builder-host-key"}, "login": {"builder-login", "builder-ssh"}, "down": {"builder-unreachable", "builder-ssh"},
}

// TestEveryWayIsExplainedForItsComputer replays what Nix said through a daemon,
// of another computer and in a container: the cause is told in 95 % at least,
// and no advice is for another subject or another computer.
func TestEveryWayIsExplainedForItsComputer(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.jsonl")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			all, right := 0, 0
			s := bufio.NewScanner(f)
			s.Buffer(nil, 1<<20)
			for s.Scan() {
				var run struct {
					Way, Scenario string
					Lines         []string
				}
				if err := json.Unmarshal(s.Bytes(), &run); err != nil {
					t.Fatal(err)
				}
				way, _, _ := strings.Cut(run.Way, "-")
				p := public{Source: run.Scenario, Ran: way, Lines: run.Lines}
				if way == "remote" {
					p.Ran = "remote:root@127.0.0.1"
				}
				e := p.explained(t)
				said := strings.Join(append(e.Hints(), e.Headline), "\n")
				words := elsewhere[way]
				misplaced := words != "" && regexp.MustCompile(words).MatchString(said) || way == "remote" && e.Known != "" && !strings.Contains(said, "127.0.0.1") && e.Known != "hash-mismatch"
				ok := slices.Contains(waysRecorded[run.Scenario], e.Known) && (e.Known != "" || e.Headline == "Building step-"+run.Scenario+" failed.")
				t.Logf("%-14s %-18s %-18s %s", run.Way, run.Scenario, e.Known, e.Headline)
				all++
				switch {
				case misplaced, !ok && e.Known != "":
					t.Errorf("%s, %s: misleads: %s: %s\n%q", run.Way, run.Scenario, e.Known, e, e.Hints())
				case ok:
					right++
				default:
					t.Logf("%s, %s: not explained: %s", run.Way, run.Scenario, e)
				}
			}
			if all < 15 || right*100 < all*95 {
				t.Errorf("%d of %d are explained", right, all)
			}
		})
	}
}
