package builder

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recordedRun is what Nix said of one scenario of .ci/record-failures.
type recordedRun struct {
	Way, Scenario string
	Exit          int
	Lines         []string
}

// versions are those of testdata/recorded.
var versions = []string{"2.8", "2.26", "2.34"}

// recordedRuns are those of one Nix.
func recordedRuns(t *testing.T, version string) (runs []recordedRun) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/recorded", version+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var run recordedRun
		if err := json.Unmarshal(s.Bytes(), &run); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return runs
}

// judgement is what the run must be explained as.
func (r recordedRun) judgement(t *testing.T) judged {
	t.Helper()
	j, ok := failures[r.Way+"/"+r.Scenario]
	if !ok {
		j, ok = failures[r.Scenario]
	}
	if !ok {
		t.Fatalf("nobody has said what %s is", r.Scenario)
	}
	if r.Exit == 0 { // what was said on the way is not the cause of a failure to come
		return judged{rows: []string{""}, says: "Building later failed."}
	}
	return j
}

// misplaced says whether advice is for another computer than where it happened.
func (r recordedRun) misplaced(j judged, e *Error) bool {
	said := strings.Join(append(e.Hints(), e.Headline), "\n")
	if strings.HasPrefix(r.Way, "remote") {
		far := strings.Contains(said, "127.0.0.")
		return e.Known != "" && (j.where == "far" && !far || j.where == "here" && far && !strings.Contains(said, "this computer"))
	}
	words := elsewhere[r.Way]
	return words != "" && regexp.MustCompile(words).MatchString(said)
}

// verdict is right, none when nothing helpful is said, or wrong.
func (r recordedRun) verdict(t *testing.T) (string, *Error) {
	p := public{Source: r.Scenario, Ran: r.Way, Lines: r.Lines}
	if r.Exit == 0 {
		p.Lines = append(slices.Clone(p.Lines), `@nix {"action":"msg","level":0,"msg":"error: builder for '/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-later.drv' failed with exit code 1"}`)
	}
	if strings.HasPrefix(r.Way, "remote") {
		p.Ran = "remote:root@127.0.0.1"
		if r.Scenario == "builder-down" {
			p.Ran = "remote:root@127.0.0.2"
		}
	}
	e, j := p.explained(t), r.judgement(t)
	said := strings.Join(append(e.Hints(), e.Headline, e.Why), "\n")
	right := slices.Contains(j.rows, e.Known) && strings.Contains(said, strings.ReplaceAll(j.says, "STEP", "step-"+r.Scenario))
	switch {
	case e.Known != "" && (!slices.Contains(j.rows, e.Known) || r.misplaced(j, e)):
		return "wrong", e
	case right:
		return "right", e
	}
	return "none", e
}

// TestEveryWayIsExplainedForItsComputer replays what Nix said through a daemon,
// of another computer and in a container: the cause is told in 95 % at least,
// and no advice is for another subject or another computer.
func TestEveryWayIsExplainedForItsComputer(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			all, right := 0, 0
			for _, r := range recordedRuns(t, version) {
				v, e := r.verdict(t)
				t.Logf("%-5s %-14s %-34s %-18s %s", v, r.Way, r.Scenario, e.Known, e.Headline)
				all++
				switch v {
				case "right":
					right++
				case "wrong":
					t.Errorf("%s, %s: misleads: %s: %s\n%q", r.Way, r.Scenario, e.Known, e, e.Hints())
				default:
					t.Logf("%s, %s: not explained: %s", r.Way, r.Scenario, e)
				}
			}
			t.Logf("%d of %d", right, all)
			if right*100 < all*95 {
				t.Errorf("%d of %d are explained", right, all)
			}
		})
	}
}

// TestEveryScenarioIsRecordedInEveryWay misses none of testdata/logs, of which it
// is not said why it does not apply.
func TestEveryScenarioIsRecordedInEveryWay(t *testing.T) {
	for _, version := range versions {
		have := map[string]bool{}
		for _, r := range recordedRuns(t, version) {
			have[r.Way+"/"+r.Scenario] = true
			if r.Way == "remote-daemon" {
				have["remote/"+r.Scenario] = true
			}
		}
		for _, log := range recordings(t) {
			_, scenario, _ := strings.Cut(log, "-")
			if as := elsewhereCalled[scenario]; as != "" {
				if !have[as] {
					t.Errorf("%s: %s is missing", version, as)
				}
				continue
			}
			for _, way := range []string{"daemon", "remote", "container"} {
				why := doesNotApply[scenario][way]
				switch {
				case have[way+"/"+scenario] && why != "":
					t.Errorf("%s: %s is recorded, %s, and should not apply", version, scenario, way)
				case !have[way+"/"+scenario] && why == "":
					t.Errorf("%s: %s is missing, %s", version, scenario, way)
				}
			}
		}
	}
}

// TestTheRecordedRunsDidWhatTheyAreNamedFor keeps a recorder from finding in a
// store, or in what Nix has noted of a cache, what a run before has left there.
func TestTheRecordedRunsDidWhatTheyAreNamedFor(t *testing.T) {
	for _, version := range versions {
		for _, r := range recordedRuns(t, version) {
			said := strings.Join(r.Lines, "\n")
			want, fails := "", r.Exit != 0
			switch r.Scenario {
			case "build-waits-for-lock":
				if version != "2.8" { // which waits without a word
					want = "step-" + r.Scenario + ".drv"
				}
			case "build-ok", "build-odd-log-bytes":
				if want = "step-" + r.Scenario + ".drv"; r.Way == "remote" {
					want = "ssh-ng://root@127.0.0.1"
				}
			case "substituter-404":
				want = "does not exist in binary cache"
			case "substituter-bad-signature":
				want = "signed by any of the keys"
			case "substituter-corrupt", "substituter-changed", "substituter-short":
				want = "step-" + r.Scenario
				fails = !fails
			default:
				continue
			}
			if fails || !strings.Contains(said, want) {
				t.Errorf("%s: %s, %s: exit %d without %q\n%.600s", version, r.Way, r.Scenario, r.Exit, want, said)
			}
		}
	}
}
