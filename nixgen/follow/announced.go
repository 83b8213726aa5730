package follow

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"piwiz/nixgen/nix"
)

// Announced is what Nix said that it will do, before it begins.
type Announced struct {
	Builds   []string      // names of the derivations that are built, not fetched
	Fetches  int           // store paths that a cache has
	Download int64         // bytes of these on the way, as Nix prints them and rounded down
	Unpacked int64         // bytes of these in the store, likewise
	Takes    time.Duration // by what earlier builds took on this computer; -1 is not known
}

// Announced is what was announced so far.
func (w *Watch) Announced() Announced {
	said := &w.counts.said
	a := Announced{Fetches: len(said.paths), Download: said.download, Unpacked: said.unpacked}
	for _, drv := range said.drvs {
		a.Builds = append(a.Builds, nix.StoreName(drv))
	}
	now := w.now()
	w.forecast.Count(0, len(a.Builds), 0, a.Download, now)
	w.forecast.Planned(now)
	_, a.Takes = w.forecast.At(now)
	return a
}

// announcement is how Nix says that in words.
// Source: NixOS/nix src/libmain/shared.cc, printMissing: a headline, and one
// message for each path.
type announcement struct {
	drvs, paths, missing []string // store paths: to build, to fetch, not to be had
	download, unpacked   int64    // bytes of paths

	list *[]string // that the last headline began
	seen map[string]bool
}

var (
	willBuild = regexp.MustCompile(`^(?:this|these)(?: \d+)? derivations? will be built:`)
	willFetch = regexp.MustCompile(`^(?:this|these)(?: \d+)? paths? will be fetched \((\S+ \w+) download, (\S+ \w+) unpacked\):`)
	unknown   = regexp.MustCompile(`^don't know how to build these paths.*:$`)
	listed    = regexp.MustCompile(`^  (/\S+/[0-9a-z]{32}-\S+)$`)
)

// read takes one message. It says whether that belongs to the announcement, and
// which derivation it names that was not named before.
func (a *announcement) read(text string) (drv string, ours bool) {
	if m := listed.FindStringSubmatch(text); m != nil && a.list != nil {
		if a.seen[m[1]] {
			return "", true
		}
		a.seen[m[1]] = true
		*a.list = append(*a.list, m[1])
		if a.list == &a.drvs {
			drv = m[1]
		}
		return drv, true
	}
	a.list = nil
	if willBuild.MatchString(text) {
		a.list = &a.drvs
	} else if unknown.MatchString(text) {
		a.list = &a.missing
		return "", false // it is the reason why a build fails, too
	} else if m := willFetch.FindStringSubmatch(text); m != nil {
		a.list = &a.paths
		a.download = min(a.download+size(m[1]), nix.Most)
		a.unpacked = min(a.unpacked+size(m[2]), nix.Most)
	}
	return "", a.list != nil
}

var sizeText = regexp.MustCompile(`^(\d{1,12})(\.\d{1,3})? ([KMGTPE]?)i?B$`)

// size is the least number of bytes that Nix prints so: more than comes must
// not be promised. 0 when the text is no size.
func size(text string) int64 {
	m := sizeText.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1]+m[2], 64)
	if err != nil {
		return 0
	}
	rounding := 0.5 // of the last digit
	for range max(len(m[2])-1, 0) {
		rounding /= 10
	}
	unit := int64(1) << (10 * (strings.Index("KMGTPE", m[3]) + 1))
	if m[3] == "" {
		unit = 1
	}
	return int64(min(max(n-rounding, 0)*float64(unit), nix.Most))
}

var input = regexp.MustCompile(`"(/[^"]+/[0-9a-z]{32}-[^"/]+\.drv)"`)

// needs are the derivations that drv names in its file as what must be built
// before it. None when the file cannot be read: the store of another computer.
func needs(drv string) []string {
	var text []byte
	for _, under := range []string{"", nix.HomeStore()} {
		if t, err := os.ReadFile(filepath.Join(under, drv)); err == nil {
			text = t
			break
		}
	}
	var out []string
	for _, m := range input.FindAllSubmatch(text, -1) {
		out = append(out, string(m[1]))
	}
	return out
}
