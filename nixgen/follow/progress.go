package follow

import (
	"slices"
	"time"

	"piwiz/nixgen/nix"
)

// Progress is how far the build is. Numbers never go back, but for Rate
// and Left.
type Progress struct {
	Stage      string        // what is being done, in words
	Since      time.Time     // when that began
	Elapsed    time.Duration // of the whole build
	Evaluating time.Duration // spent on reading the configuration

	Done, Expected, Failed int           // derivations; Expected 0 is none, or not known yet
	Fetched, ToFetch       int           // store paths out of a cache
	BytesDone              int64         // downloaded
	BytesExpected          int64         // to download in all; 0 is not known, else never below BytesDone
	Rate                   float64       // bytes per second, over the last seconds
	Share                  float64       // 0 to 1 of the whole, 1 only at the end
	Left                   time.Duration // until the end, -1 when it is not known

	Running int       // derivations
	Now     []Running // these, the oldest first
	Waits   []string  // what waits for what, in words: a derivation for another, Nix for a lock or a free machine
}

// Running is a derivation that is being built.
type Running struct {
	Name  string
	Phase string // "" before the first
	Since time.Time
	Usual time.Duration // what it took before on this computer, 0 is not known
}

// The stages of Nix. Who runs it may have others before and after.
const (
	Starting = "starting Nix"
	sources  = "fetching nixpkgs"
	reading  = "reading the configuration"
	asking   = "asking the cache"
	fetching = "fetching"
	building = "building"
	Done     = "done"
	Failed   = "failed"
)

// counts are the totals that Nix sends, for each activity that has some.
type counts struct {
	builds   map[uint64][4]int64 // done, expected, running, failed
	paths    map[uint64][4]int64
	expected map[uint64]int64 // bytes to download

	said announcement // its words come before its numbers, which grow while it asks for one path after the other

	sourcesDone, sourcesTotal, storeDone int64 // bytes of finished downloads
}

func newCounts() counts {
	return counts{builds: map[uint64][4]int64{}, paths: map[uint64][4]int64{}, expected: map[uint64]int64{}, said: announcement{seen: map[string]bool{}}}
}

func sum(m map[uint64][4]int64, i int) (n int) {
	for _, c := range m {
		n = min(n+int(c[i]), nix.Most)
	}
	return n
}

// plus adds two counts of bytes; there can be any number of them.
func plus(a, b int64) int64 { return min(a+b, nix.Most) }

// count takes Nix's numbers of builds. It counts one too many while a builder
// has just ended, so what it expects is only believed when nothing ended.
func (c *counts) count(id uint64, n [4]int64) {
	if old := c.builds[id]; n[0]+n[3] > old[0]+old[3] {
		n[1] = max(old[1], n[0])
	}
	c.builds[id] = n
}

// update takes the totals into p. Nix counts down again what failed.
func (w *Watch) update() {
	p, c := &w.p, &w.counts
	p.Failed = max(p.Failed, sum(c.builds, 3))
	done, expected := sum(c.builds, 0), sum(c.builds, 1)
	if len(c.said.drvs)+len(c.said.paths) > 0 {
		// Nix counts what may come out of a cache as a build until it has come,
		// and a build on another computer twice. Only its own numbers tell a step
		// that was stopped, because another one failed, from one that is done.
		ended, known := w.forecast.Steps()
		done, expected = min(done, ended-p.Failed), known
	}
	p.Done = max(p.Done, done)
	p.Expected = max(p.Expected, expected, p.Done)
	p.Fetched = max(p.Fetched, sum(c.paths, 0))
	p.ToFetch = max(p.ToFetch, sum(c.paths, 1), len(c.said.paths), p.Fetched)

	sourcesDone, sourcesTotal, storeDone := c.sourcesDone, c.sourcesTotal, c.storeDone
	open := false // a server did not say how much it sends
	for _, a := range w.active {
		switch {
		case a.kind != nix.FileTransfer:
		case a.source:
			sourcesDone, sourcesTotal = plus(sourcesDone, a.done), plus(sourcesTotal, max(a.total, a.done))
			open = open || a.total == 0
		default:
			storeDone = plus(storeDone, a.done)
		}
	}
	storeTotal := max(storeDone, c.said.download)
	var said int64
	for _, n := range c.expected {
		said = plus(said, n)
	}
	storeTotal = max(storeTotal, said)
	p.BytesDone = max(p.BytesDone, sourcesDone+storeDone)
	if !open || p.BytesExpected > 0 {
		p.BytesExpected = max(p.BytesExpected, sourcesTotal+storeTotal, p.BytesDone)
	}
	w.forecast.Count(p.Done, p.Expected, storeDone, storeTotal, w.now())
}

// progress renews the latest numbers.
func (w *Watch) progress() {
	w.update()
	w.p.Elapsed = w.last.Sub(w.began)
	w.p.Rate = w.speed.add(w.last, w.p.BytesDone)
	if w.p.Stage != Done {
		w.p.Share, w.p.Left = w.forecast.At(w.last)
	}
	w.latest = w.p
	p := &w.latest
	if p.Stage == reading {
		p.Evaluating += w.last.Sub(p.Since)
	}
	p.Now = w.running()
	p.Running = len(p.Now)
	p.Waits = w.waits()
}

// waitsShown bounds what is told of waiting: the end of a build waits for
// everything.
const waitsShown = 8

func (w *Watch) waits() (out []string) {
	for _, a := range w.active {
		if a.kind == nix.BuildWaiting {
			out = append(out, a.text)
		}
	}
	for _, pair := range w.forecast.Waits() {
		out = append(out, nix.StoreName(pair[0])+" waits for "+nix.StoreName(pair[1]))
	}
	slices.Sort(out)
	return out[:min(len(out), waitsShown)]
}

// running merges the two activities of a remote build: that of here, which has
// the machine, and that of there, which has the phases.
func (w *Watch) running() []Running {
	var out []Running
	index := map[string]int{}
	for _, id := range w.order {
		a := w.active[id]
		i, ok := index[a.drv]
		if !ok {
			i = len(out)
			index[a.drv] = i
			out = append(out, Running{Name: nix.StoreName(a.drv), Since: a.since, Usual: w.forecast.Past(nix.StoreName(a.drv))})
		}
		if a.phase != "" {
			out[i].Phase = a.phase
		}
	}
	return out
}

// rate is the speed of a growing number over the last seconds.
type rate struct {
	at []time.Time
	n  []int64
}

// window is how far back a rate looks: short enough to follow a change, long
// enough not to jump.
const window = 5 * time.Second

func (r *rate) add(now time.Time, n int64) float64 {
	r.at, r.n = append(r.at, now), append(r.n, n)
	for len(r.at) > 2 && now.Sub(r.at[1]) >= window {
		r.at, r.n = r.at[1:], r.n[1:]
	}
	if over := now.Sub(r.at[0]); over > 0 {
		return float64(n-r.n[0]) / over.Seconds()
	}
	return 0
}
