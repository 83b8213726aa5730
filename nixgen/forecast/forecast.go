// Package forecast says how much of a build is done and how long the rest
// takes: from what Nix says there is to do, and from what the same steps took
// before on this computer.
//
// Rules: the share never goes back and is 1 only at the end; the time left is
// only given when nearly everything that is left was done before, because a
// guess would be taken for the truth.
package forecast

import (
	"slices"
	"time"
)

// Where nothing is known yet. They only weigh the parts of a build against each
// other; no time left is ever made of them.
const (
	someStep  = 10 * time.Second
	someSpeed = 4 << 20 // bytes per second
)

// before is the share that a build can reach while Nix does not yet know what
// there is to do.
const before = 0.05

// step is a derivation that has to be built.
type step struct {
	key      string
	needs    []string // steps that come before
	since    time.Time
	took     time.Duration
	running  bool
	finished bool
}

// Forecast follows one build.
type Forecast struct {
	past    Times
	began   time.Time
	planned time.Time // when Nix knew what there is to do
	steps   map[string]*step
	share   float64

	counted, countedDone int       // steps, by Nix's own count
	bytes, allBytes      int64     // downloaded, to download
	fetching, fetched    time.Time // first and last byte
	usual                time.Duration
}

// New begins a forecast. Times are those of earlier builds.
func New(past Times, now time.Time) *Forecast {
	return &Forecast{past: past, began: now, steps: map[string]*step{}}
}

// Expect names a step that will be built: id is told apart by, name is looked
// up, needs are the ids of steps that must be done before.
func (f *Forecast) Expect(id, name string, needs []string) {
	if f.steps[id] == nil {
		f.steps[id] = &step{key: key(name), needs: needs}
	}
}

// Planned says that Nix knows what there is to do.
func (f *Forecast) Planned(now time.Time) {
	if f.planned.IsZero() {
		f.planned = now
	}
}

// Start says that a step is being built. A step that nobody expected is new.
func (f *Forecast) Start(id, name string, now time.Time) {
	f.Expect(id, name, nil)
	if s := f.steps[id]; !s.running {
		s.since, s.running, s.finished = now, true, false
	}
}

// Finish says that a step is no longer being built.
func (f *Forecast) Finish(id string, now time.Time) {
	if s := f.steps[id]; s != nil && s.running {
		s.took, s.running, s.finished = now.Sub(s.since), false, true
	}
}

// Steps are those that ended, well or not, and all that are known.
func (f *Forecast) Steps() (finished, all int) {
	for _, s := range f.steps {
		if s.finished {
			finished++
		}
	}
	return finished, len(f.steps)
}

// Count takes what Nix itself counts: steps done and expected, bytes
// downloaded and to download.
func (f *Forecast) Count(done, expected int, bytes, allBytes int64, now time.Time) {
	f.countedDone, f.counted = done, expected
	if f.fetching.IsZero() && bytes > 0 {
		f.fetching = now
	}
	if bytes > f.bytes {
		f.fetched = now
	}
	f.bytes, f.allBytes = bytes, max(allBytes, bytes)
}

// Past is what a step took before, 0 when that is not known.
func (f *Forecast) Past(name string) time.Duration {
	d, _ := f.past.of(key(name))
	return d
}

// At is the share that is done, 0 to 0.99, and the time left, -1 when it is not
// known.
func (f *Forecast) At(now time.Time) (share float64, left time.Duration) {
	if f.planned.IsZero() {
		if d, ok := f.past.of(reading); ok && d > 0 {
			f.share = max(f.share, before*min(1, now.Sub(f.began).Seconds()/d.Seconds()))
		}
		return f.share, -1
	}
	f.usual = f.typical()
	done, all := f.weigh(now)
	ready := f.planned.Sub(f.began).Seconds()
	if all > 0 {
		f.share = max(f.share, min((ready+done)/(ready+all), 0.99))
	}
	return f.share, f.left(now, done, all)
}

// weigh is the work that is done since Nix has a plan and that work in all, in
// seconds as the past took them one after the other.
func (f *Forecast) weigh(now time.Time) (done, all float64) {
	typical := f.usual.Seconds()
	finished := 0
	for _, s := range f.steps {
		expected := typical
		if d, ok := f.past.of(s.key); ok {
			expected = d.Seconds()
		}
		all += expected
		switch {
		case s.finished:
			finished++
			done += expected
		case s.running:
			done += min(now.Sub(s.since).Seconds(), 0.95*expected)
		}
	}
	all += typical * float64(max(f.counted-len(f.steps), 0))
	done += typical * float64(min(max(f.countedDone-finished, 0), max(f.counted-len(f.steps), 0)))

	speed, ok := f.usualSpeed(now)
	if !ok {
		speed = someSpeed
	}
	return done + float64(f.bytes)/speed, all + float64(f.allBytes)/speed
}

// usualSpeed is that of downloads in bytes per second, and whether it was ever
// measured.
func (f *Forecast) usualSpeed(now time.Time) (float64, bool) {
	if s, ok := median(f.past.Speed); ok {
		return s, true
	}
	s := f.speed(now)
	return s, s > 0
}

// typical is what a step takes of which nothing is known.
func (f *Forecast) typical() time.Duration {
	var known []float64
	for _, s := range f.steps {
		if d, ok := f.past.of(s.key); ok {
			known = append(known, d.Seconds())
		} else if s.finished {
			known = append(known, s.took.Seconds())
		}
	}
	if m, ok := median(known); ok {
		return time.Duration(m * float64(time.Second))
	}
	return someStep
}

// Learn adds what this build took to the times. Only a build that succeeded
// says how long its steps take; reading is what the configuration took, 0 when
// it was not read.
func (f *Forecast) Learn(readingTook time.Duration) Times {
	took := map[string]time.Duration{}
	for _, s := range f.steps {
		if s.finished {
			took[s.key] = max(took[s.key], s.took) // two of one name: the slow one is not forgotten
		}
	}
	if readingTook > 0 {
		took[reading] = readingTook
	}
	times := f.past
	times.add(took, f.speed(f.fetched))
	return times
}

// measured is the shortest download whose speed says something.
const measured = 2 * time.Second

// speed is that of the downloads up to a time in bytes per second, 0 when it is
// not known.
func (f *Forecast) speed(end time.Time) float64 {
	over := end.Sub(f.fetching)
	if f.fetching.IsZero() || over < measured {
		return 0
	}
	return float64(f.bytes) / over.Seconds()
}

// left is the time until the end, -1 when it is not known. The rest of the work
// goes on at the pace of what is done: steps run beside each other, and things
// are between them.
func (f *Forecast) left(now time.Time, done, all float64) time.Duration {
	open := max(f.counted-len(f.steps), 0)
	unknown := open
	var chain time.Duration
	chains := map[string]time.Duration{}
	for id, s := range f.steps {
		if s.finished {
			continue
		}
		open++
		if _, ok := f.past.of(s.key); !ok {
			unknown++
		}
		chain = max(chain, f.chain(id, now, chains))
	}
	if _, ok := f.usualSpeed(now); unknown*5 > open || !ok && f.allBytes > f.bytes {
		return -1
	}
	steady := all / 20 // so that the first seconds say little
	pace := (now.Sub(f.planned).Seconds() + steady) / (done + steady)
	if done+steady == 0 {
		pace = 1
	}
	rest := (all - done) * pace
	if rest > longest {
		return -1
	}
	return max(chain, time.Duration(rest*float64(time.Second)))
}

// rest is what a step still takes. One that takes longer than it ever did is
// thought to need a tenth more, again and again.
func (f *Forecast) rest(s *step, now time.Time) time.Duration {
	d, ok := f.past.of(s.key)
	if !ok {
		d = f.usual
	}
	if !s.running {
		return d
	}
	spent := now.Sub(s.since)
	return max(d-spent, spent/10)
}

// chain is what a step and all that must come before it still take, one after
// the other.
func (f *Forecast) chain(id string, now time.Time, known map[string]time.Duration) time.Duration {
	s := f.steps[id]
	if s == nil || s.finished {
		return 0
	}
	if d, ok := known[id]; ok {
		return d
	}
	known[id] = 0 // a ring would be a mistake of Nix's; it must not hang us
	var earlier time.Duration
	for _, need := range s.needs {
		earlier = max(earlier, f.chain(need, now, known))
	}
	known[id] = min(earlier+f.rest(s, now), longest*time.Second)
	return known[id]
}

// Waits are the steps that something running keeps from starting, as pairs of
// ids: who waits, and for whom. They are sorted.
func (f *Forecast) Waits() [][2]string {
	var out [][2]string
	for id, s := range f.steps {
		if s.running || s.finished {
			continue
		}
		for _, need := range s.needs {
			if n := f.steps[need]; n != nil && n.running {
				out = append(out, [2]string{id, need})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return out
}
