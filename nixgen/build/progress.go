package build

import (
	"regexp"
	"strconv"
	"time"

	"piwiz/nixgen/nix"
)

// Progress is how far the build is. Numbers never go back, but for Rate.
type Progress struct {
	Stage      string        // what is being done, in words
	Since      time.Time     // when that began
	Elapsed    time.Duration // of the whole build
	Evaluating time.Duration // spent on reading the configuration

	Done, Expected, Failed int     // derivations; Expected 0 is none, or not known yet
	Fetched, ToFetch       int     // store paths out of a cache
	BytesDone              int64   // downloaded
	BytesExpected          int64   // to download in all; 0 is not known, else never below BytesDone
	Rate                   float64 // bytes per second, over the last seconds
	Share                  float64 // 0 to 1 of the whole; 0 until Nix knows what there is to do, 1 only at the end

	Running int       // derivations
	Now     []Running // these, the oldest first
	Waits   []string  // what Nix waits for: a lock, a free machine
}

// Running is a derivation that is being built.
type Running struct {
	Name  string
	Phase string // "" before the first
	Since time.Time
}

// The stages.
const (
	starting = "starting Nix"
	sources  = "fetching nixpkgs"
	reading  = "reading the configuration"
	asking   = "asking the cache"
	fetching = "fetching"
	building = "building"
	done     = "done"
	failed   = "failed"
)

// aBuild is how many bytes of download count as much as one derivation, for
// Share: an emulated step takes about as long as 32 MiB at 25 Mbit/s.
const aBuild = 32 << 20

// counts are the totals that Nix sends, for each activity that has some.
type counts struct {
	builds   map[uint64][4]int64 // done, expected, running, failed
	paths    map[uint64][4]int64
	expected map[uint64]int64 // bytes to download

	// What Nix announces in words comes before its numbers, which grow while it
	// looks at one path after the other.
	announcedBuilds, announcedPaths int
	announcedBytes                  int64

	sourcesDone, sourcesTotal, storeDone int64 // bytes of finished downloads
}

func newCounts() counts {
	return counts{builds: map[uint64][4]int64{}, paths: map[uint64][4]int64{}, expected: map[uint64]int64{}}
}

func sum(m map[uint64][4]int64, i int) (n int) {
	for _, c := range m {
		n += int(c[i])
	}
	return n
}

var (
	willBuild = regexp.MustCompile(`^(?:this|these (\d{1,9})) derivations? will be built:`)
	willFetch = regexp.MustCompile(`^(?:this|these (\d{1,9})) paths? will be fetched \((\d{1,12})(\.\d{1,3})? ([KMGT])iB download`)
)

// announced reads "these 4 paths will be fetched (28.01 MiB download, 28.01 MiB
// unpacked):". Source: NixOS/nix src/libmain/shared.cc, printMissing.
func (c *counts) announced(text string) {
	number := func(s string) int {
		if s == "" {
			return 1 // "this path"
		}
		n, _ := strconv.Atoi(s)
		return n
	}
	if m := willBuild.FindStringSubmatch(text); m != nil {
		c.announcedBuilds += number(m[1])
	}
	if m := willFetch.FindStringSubmatch(text); m != nil {
		c.announcedPaths += number(m[1])
		size, _ := strconv.ParseFloat(m[2]+m[3], 64)
		unit := map[string]float64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}[m[4]]
		rounding := 0.5 // of the last digit: more than comes must not be promised
		for range max(len(m[3])-1, 0) {
			rounding /= 10
		}
		c.announcedBytes += int64(max(size-rounding, 0) * unit)
	}
}

// update takes the totals into p. Nix counts down again what failed.
func (w *watch) update() {
	p, c := &w.p, &w.counts
	p.Done = max(p.Done, sum(c.builds, 0))
	p.Expected = max(p.Expected, sum(c.builds, 1), c.announcedBuilds, p.Done)
	p.Failed = max(p.Failed, sum(c.builds, 3))
	p.Fetched = max(p.Fetched, sum(c.paths, 0))
	p.ToFetch = max(p.ToFetch, sum(c.paths, 1), c.announcedPaths, p.Fetched)

	sourcesDone, sourcesTotal, storeDone := c.sourcesDone, c.sourcesTotal, c.storeDone
	open := false // a server did not say how much it sends
	for _, a := range w.active {
		switch {
		case a.kind != nix.FileTransfer:
		case a.source:
			sourcesDone, sourcesTotal = sourcesDone+a.done, sourcesTotal+max(a.total, a.done)
			open = open || a.total == 0
		default:
			storeDone += a.done
		}
	}
	storeTotal := max(storeDone, c.announcedBytes)
	var said int64
	for _, n := range c.expected {
		said += n
	}
	storeTotal = max(storeTotal, said)
	p.BytesDone = max(p.BytesDone, sourcesDone+storeDone)
	if !open || p.BytesExpected > 0 {
		p.BytesExpected = max(p.BytesExpected, sourcesTotal+storeTotal, p.BytesDone)
	}
	w.share(storeDone, storeTotal)
}

// share counts what Nix realises: before that it does not know how much there
// is, and the download of nixpkgs is no part of it.
func (w *watch) share(storeDone, storeTotal int64) {
	whole := float64(w.p.Expected)*aBuild + float64(storeTotal)
	if !w.realising || whole == 0 {
		return
	}
	part := float64(w.p.Done)*aBuild + float64(storeDone)
	w.p.Share = max(w.p.Share, min(part/whole, 0.99))
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
