// Package nixcache fetches store paths from binary caches of Nix: signed
// narinfos, the closure of some paths, and their NARs, unpacked into a folder.
//
// Trust is in the signature alone: a cache may be any mirror, by http, or a
// folder. Redirects are followed wherever they lead, because what comes is
// verified, but never from https to anything else, and never to a file.
package nixcache

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/storedir"
)

// How much is done at once. A NAR being unpacked needs some 20 MiB of memory.
const (
	narinfosAtOnce = 16
	narsAtOnce     = 4
	maxPaths       = 20000 // of a closure; a desktop has some thousand
)

// Cache is one or more binary caches with the same store paths.
type Cache struct {
	URLs     []string      // in the order tried: https, http or file
	Keys     []narinfo.Key // one of which must have signed
	Client   *http.Client  // nil for one with proxies by the environment
	Patience time.Duration // how long a server may send nothing; 0 is 30 s
}

// Closure reads the verified narinfos of roots, full store paths, and of all
// that they need, sorted by path. A failure is a *fault.Error.
func (c Cache) Closure(ctx context.Context, roots []string) ([]narinfo.Info, error) {
	f, err := c.fetcher()
	if err != nil {
		return nil, err
	}
	for _, r := range roots {
		if err := storedir.Check(r); err != nil {
			return nil, err
		}
	}
	all := map[string]narinfo.Info{}
	for todo := unique(roots); len(todo) > 0; {
		got := make([]narinfo.Info, len(todo))
		err := parallel(ctx, narinfosAtOnce, len(todo), func(ctx context.Context, k int) error {
			return f.anywhere(ctx, todo[k], func(ctx context.Context, s *source) (err error) {
				got[k], err = f.ask(ctx, s, todo[k])
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		var next []string
		for _, i := range got {
			all[i.Path] = i
		}
		for _, i := range got {
			for _, r := range i.References {
				if _, have := all[r]; !have {
					next = append(next, r)
				}
			}
		}
		if todo = unique(next); len(all)+len(todo) > maxPaths {
			return nil, fmt.Errorf("more than %d store paths are needed", maxPaths)
		}
	}
	infos := make([]narinfo.Info, 0, len(all))
	for _, i := range all {
		infos = append(infos, i)
	}
	slices.SortFunc(infos, func(a, b narinfo.Info) int { return cmp.Compare(a.Path, b.Path) })
	return infos, nil
}

func unique(paths []string) []string {
	paths = slices.Clone(paths)
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Fetch puts what is missing of infos, as Closure gave them, into the folder
// store, which is the store folder of a /nix that is elsewhere. A part has a
// temporary name until it is verified; see package storedir. report, which may
// be nil, is never called twice at once. A failure is a *fault.Error, after which
// what was verified is kept.
func (c Cache) Fetch(ctx context.Context, store string, infos []narinfo.Info, report func(meter.Progress)) error {
	f, err := c.fetcher()
	if err != nil {
		return err
	}
	if err := storedir.Sweep(store); err != nil {
		return noWriting(store, err)
	}
	missing := Missing(store, infos)
	// The largest first, so that none is left alone in the end.
	slices.SortStableFunc(missing, func(a, b narinfo.Info) int { return cmp.Compare(b.NarSize, a.NarSize) })
	m, shelf := meter.New(missing, report), &storedir.Shelf{Store: store}
	err = parallel(ctx, narsAtOnce, len(missing), func(ctx context.Context, k int) error {
		return f.anywhere(ctx, missing[k].Path, func(ctx context.Context, s *source) error {
			return f.add(ctx, s, shelf, missing[k], m.Part(k))
		})
	})
	if bad := shelf.Close(); err == nil || bad != nil {
		err = noWriting(store, bad)
	}
	if left := storedir.Sweep(store); err == nil {
		err = noWriting(store, left)
	}
	return err
}

// Missing are those of infos that are not in the folder store.
func Missing(store string, infos []narinfo.Info) (missing []narinfo.Info) {
	for _, i := range infos {
		if !storedir.Has(store, i.Path) {
			missing = append(missing, i)
		}
	}
	return missing
}

// parallel does n things, some at once, until one fails: that is its error. A panic
// is the caller's, who may have a guard against it.
func parallel(ctx context.Context, atOnce, n int, do func(ctx context.Context, k int) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	var broke any
	var next atomic.Int64
	for range min(atOnce, n) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					once.Do(func() { broke = fmt.Errorf("%v\n%s", p, debug.Stack()) })
					stop()
				}
			}()
			for k := int(next.Add(1)) - 1; k < n && ctx.Err() == nil; k = int(next.Add(1)) - 1 {
				if err := do(ctx, k); err != nil {
					once.Do(func() { first = err })
					stop()
				}
			}
		})
	}
	wg.Wait()
	if broke != nil {
		panic(broke)
	}
	if first == nil {
		return ctx.Err()
	}
	return first
}
