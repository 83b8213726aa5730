package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"piwiz/flash/crash"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/shell"
)

// own is piwiz's own Nix as the options say, without a folder where there can be
// none.
func (e *Engine) own() ownnix.Nix {
	n := ownnix.Nix{Dir: e.NixDir, Caches: e.Caches}
	if n.Dir == "" {
		n.Dir, _ = ownnix.Folder() // without a home it is not offered
		return n
	}
	if dir, err := filepath.Abs(n.Dir); err == nil {
		n.Dir = dir
	}
	if filepath.Base(n.Dir) != "nix" { // builds leave links that end in /nix/store/…
		n.Dir = filepath.Join(n.Dir, "nix")
	}
	return n
}

// again is the command line of a verb with the same folder of piwiz's own Nix.
func (e *Engine) again(verb string) string {
	line := shell.Quote(Self()) + " " + verb
	if e.NixDir != "" {
		line += " --own-nix-dir " + shell.Quote(e.NixDir)
	}
	return line
}

// ownFinding says what piwiz's own Nix costs; notHere is why it is used.
func ownFinding(ctx context.Context, b *ownnix.Builder, notHere error) preflight.Finding {
	f := preflight.Finding{State: preflight.OK}
	if version, ok := b.Nix.Ready(); ok {
		f.What = "piwiz's own Nix " + version + " is ready"
		if size, err := b.Nix.Used(ctx); err == nil {
			f.What += " (" + MB(size) + " in " + b.Nix.Dir + ")"
		}
		f.What += "."
		return f
	}
	f.What = "piwiz uses a Nix of its own in "
	if notHere != nil {
		missing, _, _ := strings.Cut(notHere.Error(), "\n")
		what := "a Nix"
		if errors.Is(notHere, nix.ErrNotFound) {
			missing, what = "Nix is not installed.", "a copy"
		}
		f.What = missing + " That is fine: piwiz uses " + what + " of its own in "
	}
	ctx, stop := context.WithTimeout(ctx, askPatience)
	defer stop()
	size := "about 60 MB" // until the cache has said
	if download, _, err := b.Nix.Size(ctx); err == nil {
		size = MB(download)
	}
	f.What += b.Nix.Dir + ". Nothing is installed; " + size + " to download."
	f.Begins = theDownload
	return f
}

// theDownload is what going on begins where Nix is not here yet.
const theDownload = "begin the download"

// askPatience is how long the cache may take to say what there is to download.
const askPatience = 5 * time.Second

// download is one of piwiz's own Nix, in the background.
type download struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid when done

	mu  sync.Mutex
	now meter.Progress
}

func (d *download) sample() meter.Progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *download) report(g meter.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = g
}

// fetcher is what must be fetched before it builds: piwiz's own Nix.
type fetcher interface {
	Ready() (version string, ok bool)
	Fetch(ctx context.Context, report func(meter.Progress)) error
}

// Fetch begins to fetch what the builder that was chosen lacks, in the background,
// until Close. Plan waits for it, and tells what becomes of it.
func (e *Engine) Fetch() {
	e.mu.Lock()
	own, ok := e.chosen.(*ownnix.Builder)
	e.mu.Unlock()
	if !ok {
		return
	}
	if _, ready := own.Nix.Ready(); !ready {
		e.download(own.Nix)
	}
}

// download is the one that runs, or a new one.
func (e *Engine) download(n fetcher) *download {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := e.fetch; d != nil {
		select {
		case <-d.done:
		default:
			return d
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &download{cancel: cancel, done: make(chan struct{})}
	crash.Go(func() error { return n.Fetch(ctx, d.report) }, func(err error) {
		cancel()
		d.err = err
		close(d.done)
	})
	e.fetch = d
	return d
}

// stopFetching ends a download. What has come is kept for the next one.
func (e *Engine) stopFetching() {
	e.mu.Lock()
	d := e.fetch
	e.mu.Unlock()
	if d != nil {
		d.cancel()
		<-d.done
	}
}

// fetched waits until a builder has what it lacks, and tells how far that is.
func (e *Engine) fetched(ctx context.Context, b builder.Builder, report func(follow.Event)) error {
	if own, ok := b.(*ownnix.Builder); ok {
		return e.await(ctx, own.Nix, report)
	}
	return nil
}

func (e *Engine) await(ctx context.Context, n fetcher, report func(follow.Event)) error {
	if _, ready := n.Ready(); ready {
		return nil
	}
	d := e.download(n)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for said := -1; ; {
		x := follow.Event{Progress: fetching(d.sample())}
		if tenth := int(10 * x.Progress.Share); tenth > said { // some lines for a log
			said, x.Line = tenth, x.Progress.Stage
		}
		report(x)
		select {
		case <-look.C:
			continue
		case <-d.done:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return builder.Unready(d.err)
	}
}

// fetching is how far a download is, as that of a build.
func fetching(g meter.Progress) follow.Progress {
	p := follow.Progress{Stage: "asking the cache for Nix", Left: -1}
	if g.AllParts > 0 {
		p.Stage = fmt.Sprintf("Nix: %d of %d parts, %.1f of %s", g.Parts, g.AllParts, float64(g.Bytes)/1e6, MB(g.AllBytes))
		p.Share = float64(g.Parts) / float64(g.AllParts)
	}
	if g.AllBytes > 0 {
		p.Share = min(float64(g.Bytes)/float64(g.AllBytes), 1)
	}
	return p
}
