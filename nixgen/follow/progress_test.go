package follow

import (
	"math"
	"strings"
	"testing"

	"piwiz/nixgen/forecast"
)

func TestNoNumberOfAnyRecordedLogGoesBack(t *testing.T) {
	for _, log := range recordings(t) {
		t.Run(log, func(t *testing.T) {
			var last Progress
			events := 0
			w := replay(t, log, func(e Event) {
				p := e.Progress
				events++
				for name, n := range map[string][2]float64{
					"done": {float64(last.Done), float64(p.Done)}, "expected": {float64(last.Expected), float64(p.Expected)},
					"failed": {float64(last.Failed), float64(p.Failed)}, "share": {last.Share, p.Share},
					"fetched": {float64(last.Fetched), float64(p.Fetched)}, "to fetch": {float64(last.ToFetch), float64(p.ToFetch)},
					"bytes": {float64(last.BytesDone), float64(p.BytesDone)}, "all bytes": {float64(last.BytesExpected), float64(p.BytesExpected)},
					"elapsed": {float64(last.Elapsed), float64(p.Elapsed)}, "evaluating": {float64(last.Evaluating), float64(p.Evaluating)},
				} {
					if n[1] < n[0] {
						t.Errorf("%s goes back from %v to %v", name, n[0], n[1])
					}
				}
				if p.Done > p.Expected || p.Fetched > p.ToFetch || p.BytesExpected > 0 && p.BytesDone > p.BytesExpected || p.Share > 0.99 {
					t.Errorf("more is done than there is: %+v", p)
				}
				last = p
			})
			w.report = func(e Event) { last = e.Progress }
			w.Finish(Done)
			if last.Share != 1 || last.Left != 0 || last.Done != last.Expected || last.Stage != Done || events == 0 {
				t.Errorf("%d events, ends with %+v", events, last)
			}
		})
	}
}

func TestEveryStepIsCountedOnce(t *testing.T) {
	for log, want := range map[string][3]int{ // built, fetched, failed
		"v226-build-ok": {6, 0, 0}, "v234-build-ok": {6, 0, 0}, "v28-build-ok": {6, 0, 0},
		"v226-remote-builder": {6, 0, 0}, "v234-remote-builder": {6, 0, 0}, // told twice, of here and of there
		"v226-substitute-then-build": {2, 4, 0}, "v234-substitute-then-build": {2, 4, 0},
		"v226-build-fail-exit": {1, 0, 1}, "v234-build-fail-exit": {1, 0, 1},
		"v226-build-cached": {0, 0, 0}, "v234-build-cached": {0, 0, 0},
	} {
		w := replay(t, log, nil)
		w.update()
		if got := [3]int{w.p.Done, w.p.Fetched, w.p.Failed}; got != want {
			t.Errorf("%s: %v, want %v", log, got, want)
		}
	}
}

// course is how far share and left are from the truth on the way, as parts of
// the whole time, and which part of the events gave a time left.
func course(t *testing.T, log string, past forecast.Times) (share, left, given float64) {
	t.Helper()
	var all []Progress
	w := replayAfter(t, log, past, func(e Event) { all = append(all, e.Progress) })
	whole := w.now().Sub(w.began)
	known := 0.0
	for _, p := range all {
		share += math.Abs(p.Share-float64(p.Elapsed)/float64(whole)) / float64(len(all))
		if p.Left >= 0 {
			known++
			left += math.Abs(float64(p.Left-(whole-p.Elapsed))) / float64(whole)
		}
	}
	return share, left / max(known, 1), known / float64(len(all))
}

func TestTheTimeLeftIsTrueWhenTheSameWasBuiltBefore(t *testing.T) {
	for _, c := range []struct {
		log                string
		share, left, given float64
	}{
		{"v226-build-ok", 0.02, 0.03, 0.85},
		{"v234-build-ok", 0.02, 0.03, 0.85},
		{"v226-daemon-build-ok", 0.02, 0.03, 0.85},
		{"v234-daemon-build-ok", 0.02, 0.03, 0.85},
		{"v226-substitute-then-build", 0.10, 0.03, 0.6},
		{"v234-substitute-then-build", 0.10, 0.03, 0.6},
		// Twice Nix waited 5 s for the other machine, in steps of half a second.
		{"v226-remote-builder", 0.12, 0.30, 0.85},
		{"v234-remote-builder", 0.12, 0.30, 0.85},
	} {
		first := replay(t, c.log, nil)
		share, left, given := course(t, c.log, first.forecast.Learn(first.p.Evaluating))
		t.Logf("%-28s share is off by %.3f, time left by %.3f, given in %.2f of the events", c.log, share, left, given)
		if share > c.share || left > c.left || given < c.given {
			t.Errorf("%s: share is off by %.3f, time left by %.3f, given in %.2f", c.log, share, left, given)
		}
		// Nothing is known of a first build: no time is better than a guess.
		if _, _, given = course(t, c.log, forecast.Times{}); given > 0.05 {
			t.Errorf("%s: a first build gives a time left in %.2f of the events", c.log, given)
		}
	}
}

func TestWhatEarlierBuildsTookHelpsAnotherNix(t *testing.T) {
	first := replay(t, "v226-build-ok", nil)
	share, left, given := course(t, "v234-build-ok", first.forecast.Learn(first.p.Evaluating))
	if share > 0.05 || left > 0.15 || given < 0.8 {
		t.Errorf("share is off by %.3f, time left by %.3f, given in %.2f", share, left, given)
	}
}

func TestReadingTheConfigurationIsAStageOfItsOwn(t *testing.T) {
	stages := map[string]bool{}
	w := replay(t, "v226-build-ok", func(e Event) { stages[e.Progress.Stage] = true })
	for _, want := range []string{reading, asking, building} {
		if !stages[want] {
			t.Errorf("no stage %q in %v", want, stages)
		}
	}
	if w.p.Evaluating <= 0 {
		t.Errorf("evaluating %v", w.p.Evaluating)
	}
}

func TestALockThatNixWaitsForIsTold(t *testing.T) {
	told := false
	replay(t, "v234-build-waits-for-lock", func(e Event) {
		for _, text := range e.Progress.Waits {
			told = told || strings.Contains(text, "waiting for lock")
		}
	})
	if !told {
		t.Error("nobody is told")
	}
}
