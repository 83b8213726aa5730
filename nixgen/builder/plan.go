package builder

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"piwiz/nixgen/follow"
)

// Plan is what Nix would have to do for an image.
type Plan struct {
	Builds   []string      // names of the derivations that would be built, not fetched
	Big      []string      // of these, what takes hours to compile
	Fetches  int           // store paths that a cache has
	Download int64         // bytes of these on the way, as Nix prints them and rounded down
	Unpacked int64         // bytes of these in the store, likewise
	Takes    time.Duration // by what earlier builds took on this computer; -1 is not known
}

// planned is the stage after which nothing is done.
const planned = "planned"

// DryRun asks Nix what Image would do with r, and does none of it: the
// configuration is read, and nixpkgs fetched if need be. report may be nil; it
// tells who builds, and of the reading. Errors are those of Image.
func DryRun(ctx context.Context, r Request, report func(follow.Event)) (Plan, error) {
	var p Plan
	err := r.run(ctx, true, report, func(log *record, w *follow.Watch) error {
		p = planOf(w.Announced())
		w.Finish(planned)
		for _, line := range p.Lines() {
			log.write(line)
		}
		return nil
	})
	return p, err
}

// Lines tell the plan: what is built, and what is fetched.
func (p Plan) Lines() []string {
	if len(p.Builds)+p.Fetches == 0 {
		return []string{"Nothing is left to do."}
	}
	steps := "No step to build."
	if n := len(p.Builds); n > 0 {
		steps = strconv.Itoa(n) + " to build: " + some(append(slices.Clone(p.Big), p.Builds...), row-30) + "."
	}
	if p.Fetches == 0 {
		return []string{steps, "Nothing comes from a cache."}
	}
	return []string{steps, fmt.Sprintf("%d to download, %.1f MiB.", p.Fetches, float64(p.Download)/(1<<20))}
}

// some names what fits into so many columns, each once, and how many more there
// are.
func some(names []string, columns int) string {
	var all, shown []string
	seen, used := map[string]bool{}, 0
	for _, n := range names {
		if seen[n] {
			continue
		}
		seen[n] = true
		all = append(all, n)
		if used += len([]rune(n)) + 2; used <= columns && len(shown) == len(all)-1 {
			shown = append(shown, n)
		}
	}
	if len(shown) == 0 {
		shown = []string{cut(all[0], columns)}
	}
	text := strings.Join(shown, ", ")
	if more := len(all) - len(shown); more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// planOf is the plan for what Nix announced.
func planOf(a follow.Announced) Plan {
	return Plan{
		Builds: a.Builds, Big: slices.DeleteFunc(slices.Clone(a.Builds), func(name string) bool { return !big(name) }),
		Fetches: a.Fetches, Download: a.Download, Unpacked: a.Unpacked, Takes: a.Takes,
	}
}

// version splits a derivation's name as nixpkgs makes it, NAME-VERSION.
var version = regexp.MustCompile(`^(.+?)-(\d[^-]*)((?:-.*)?)$`)

// hours are the names in nixpkgs of what takes hours to compile, more so under
// emulation. The kernel has many names and is not among them.
var hours = strings.Fields(`binutils boost chromium clang firefox gcc ghc glibc go icu4c llvm mesa nodejs nodejs-slim openjdk perl
	python3 qemu qemu-host-cpu-only qtbase qtdeclarative qtwebengine rustc systemd v8 webkitgtk xgcc`)

// big says whether a derivation compiles something large. What only fetches,
// wraps or sorts the files of such a thing is not big.
func big(name string) bool {
	m := version.FindStringSubmatch(name)
	if m == nil {
		return false
	}
	if !whole.MatchString(m[3]) || archive.MatchString(name) {
		return false
	}
	return slices.Contains(hours, m[1]) || kernel.MatchString(m[1])
}

var (
	// "linux-rpi-6.12.47-stable_20250916", "linux-6.19-rc3", "glibc-2.40-66" are
	// the thing itself, "linux-6.18.2-modules" is a part of it.
	whole   = regexp.MustCompile(`^(?:|-stable\S*|-rc\d+|-\d+)$`)
	archive = regexp.MustCompile(`\.(?:tar\.\w+|tgz|zip|patch|diff|sh|json)$`)
	// "linux", and "linux-rpi", "linux_rpi4", "linux-zen" for other kernels; not
	// "linux-headers", "linux-firmware", "linux-pam".
	kernel = regexp.MustCompile(`^linux(?:[-_](?:rpi\d?|zen|lqx|xanmod|hardened|libre|rt|testing|latest))?$`)
)

// Warning says what large things would be compiled and the likely cause, one
// line each; none when there are none. It must be confirmed before Image.
func (p Plan) Warning() []string {
	if len(p.Big) == 0 {
		return nil
	}
	lines := []string{"This takes hours: " + some(p.Big, 2*row) + " would be compiled here instead of downloaded."}
	base := slices.ContainsFunc(p.Big, func(name string) bool {
		return strings.HasPrefix(name, "gcc-") || strings.HasPrefix(name, "glibc-") || strings.HasPrefix(name, "binutils-")
	})
	switch {
	case base && p.Fetches == 0:
		lines = append(lines, "Nothing at all comes from a cache: is this computer on the internet, and is https://cache.nixos.org among its substituters?")
	case base:
		lines = append(lines,
			"Even the compiler is built, so hardly anything comes from the cache. Likely causes in configuration.nix: nixpkgs.buildPlatform or crossSystem is set, or an overlay changes a basic package.",
			"Or the cache has not built this nixpkgs: build without --nixpkgs.")
	default:
		lines = append(lines, "Likely causes in configuration.nix: a kernel or package other than NixOS's own (boot.kernelPackages, nixos-hardware), an override, or an overlay.",
			"Or the cache has not built this nixpkgs: build without --nixpkgs.")
	}
	return lines
}
