package engine

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
)

// parts is a download of ten parts, one a second.
type parts struct {
	fails error // after three parts; set while nothing is fetched

	mu    sync.Mutex
	begun int
	have  int
	left  error // how the last one ended
}

// now is how often it was begun, how much there is, and how the last one ended.
func (p *parts) now() (begun, have int, left error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun, p.have, p.left
}

func (p *parts) Ready() (string, bool) {
	_, have, _ := p.now()
	return "2.35.2", have == 10
}

func (p *parts) Fetch(ctx context.Context, report func(meter.Progress)) (err error) {
	change := func(do func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		do()
	}
	change(func() { p.begun++ })
	defer func() { change(func() { p.left = err }) }()
	for {
		_, have, _ := p.now()
		if have == 10 {
			return nil
		}
		report(meter.Progress{Parts: have, AllParts: 10, Bytes: int64(have) * 4e6, AllBytes: 4e7})
		select {
		case <-time.After(time.Second):
			change(func() { p.have++ })
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.fails != nil && have == 2 {
			return p.fails
		}
	}
}

func TestTheDownloadThatWasBegunIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := With(hostfile.Store{}), &parts{}
		e.download(p)
		time.Sleep(4500 * time.Millisecond) // the questions
		var lines []string
		var last follow.Progress
		began := time.Now()
		err := e.await(t.Context(), p, func(x follow.Event) {
			if last = x.Progress; x.Line != "" {
				lines = append(lines, x.Line)
			}
		})
		begun, _, _ := p.now()
		if took := time.Since(began); err != nil || begun != 1 || took > 6*time.Second {
			t.Errorf("%v, begun %d times, %s", err, begun, took)
		}
		if len(lines) != 6 || lines[0] != "Nix: 4 of 10 parts, 16.0 of 40.0 MB" || last.Share != 0.9 {
			t.Errorf("%q, %+v", lines, last)
		}
		err = e.await(t.Context(), p, nil)
		if begun, _, _ = p.now(); err != nil || begun != 1 {
			t.Errorf("what is here is fetched again: %v, begun %d times", err, begun)
		}
	})
}

func TestADownloadThatFailedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := With(hostfile.Store{}), &parts{fails: errors.New("cache.nixos.org closes the connection")}
		e.download(p)
		synctest.Wait()
		silent := func(follow.Event) {}
		err := e.await(t.Context(), p, silent)
		b, ok := errors.AsType[*builder.Error](err)
		if !ok || b.Page != "check" || !strings.Contains(err.Error(), "closes the connection") || !errors.Is(err, p.fails) {
			t.Fatalf("%v", err)
		}
		p.fails = nil
		err = e.await(t.Context(), p, silent)
		if begun, have, _ := p.now(); err != nil || begun != 2 || have != 10 {
			t.Errorf("%v, begun %d times, %d parts", err, begun, have)
		}
	})
}

// Who waits may give up, and the download goes on; the end of piwiz ends it.
func TestTheDownloadEndsWithPiwiz(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := With(hostfile.Store{}), &parts{}
		ctx, stop := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer stop()
		if err := e.await(ctx, p, func(follow.Event) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Second)
		if _, have, left := p.now(); left != nil || have != 3 {
			t.Errorf("the download did not go on: %v, %d parts", left, have)
		}
		err := e.Close()
		if _, _, left := p.now(); err != nil || !errors.Is(left, context.Canceled) {
			t.Errorf("%v, it ended with %v", err, left)
		}
	})
}

func TestTheFolderOfOwnNixEndsInNix(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	for given, want := range map[string]string{"": "/data/piwiz/nix", "/var/tmp/piwiz-1000": "/var/tmp/piwiz-1000/nix", "/mnt/nix": "/mnt/nix", "/mnt/nix/": "/mnt/nix"} {
		e := With(hostfile.Store{})
		e.NixDir = given
		if got := e.own().Dir; got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	e := With(hostfile.Store{})
	e.NixDir = "relative"
	if got := e.own().Dir; !filepath.IsAbs(got) {
		t.Errorf("%q", got)
	}
}

// TestThePageTellsOfWhatBuildsAlone is the lines of the check page for each choice
// where there is no usable Nix.
func TestThePageTellsOfWhatBuildsAlone(t *testing.T) {
	works := filepath.Join(t.TempDir(), "nix")
	runs := ownnix.Nix{Dir: works}.Allowed(t.Context()) == nil
	ofNix := []string{"nix", "nix service", "permission", "emulation", "test build"}
	for _, c := range []struct {
		name, dir, wish string
		programs        map[string]string
		state           preflight.State // of what builds, "" where it is not told
		says            string
		here            bool // what the Nix of this computer lacks is told
		begins          bool
	}{
		{"to fetch", works, "", nil, preflight.OK, "Nix is not installed. That is fine: piwiz uses a copy of its own in " + works + ". Nothing is installed; ", false, true},
		{"to fetch, as asked", works, "own", nil, preflight.OK, "piwiz uses a Nix of its own in " + works + ". Nothing is installed; ", false, true},
		{"beside a Nix that may not", works, "", map[string]string{"nix": untrustedNix}, preflight.OK, " That is fine: piwiz uses a Nix of its own in " + works, false, true},
		{"refused, a container", "/dev/null", "", map[string]string{"podman": "exit 0"}, preflight.Warning, "/dev/null", false, false},
		{"refused, nothing else", "/dev/null", "", nil, preflight.Failure, "piwiz's own copy of it cannot run here", false, false},
		{"refused, a Nix that may not", "/dev/null", "", map[string]string{"nix": untrustedNix}, preflight.Warning, "/dev/null", true, false},
		{"refused, as asked", "/dev/null", "own", map[string]string{"podman": "exit 0"}, preflight.Failure, "/dev/null", false, false},
		{"not offered, a container", "", "", map[string]string{"podman": "exit 0"}, "", "", true, false},
		{"local, as asked", works, "local", nil, "", "", true, false},
		{"a container, as asked", works, "podman", map[string]string{"podman": "exit 0"}, preflight.OK, "The image is built in a container of podman: you chose it.", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.dir == works && !runs && c.wish != "local" && c.wish != "podman" {
				t.Skip("needs a kernel that lets piwiz's own Nix run")
			}
			scripts(t, c.programs)
			noHome(t)
			e := With(hostfile.Store{Dir: t.TempDir()})
			e.Builder, e.NixDir, e.Caches = c.wish, c.dir, []string{"file:///dev/null"}
			all := e.Checks()
			got := map[string]preflight.Finding{}
			preflight.Ask(t.Context(), all, false, func(do func() error, done func(error)) { done(do()) }, func(i int, f preflight.Finding) { got[all[i].Name] = f })
			f := got["builder"]
			if want := cmp.Or(c.state, preflight.Unneeded); f.State != want || !strings.Contains(f.What, c.says) || (f.Begins != "") != c.begins {
				t.Errorf("%+v", f)
			}
			for _, name := range ofNix {
				if (got[name].State == preflight.Unneeded) == c.here {
					t.Errorf("%s: %+v", name, got[name])
				}
			}
			if own := c.begins; strings.Contains(got["room"].What, works) != own || strings.Contains(got["cache"].What, "cache.nixos.org") == own {
				t.Errorf("room and cache are another's: %+v, %+v", got["room"], got["cache"])
			}
		})
	}
}
