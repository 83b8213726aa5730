package engine

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
)

// parts is a download of ten parts, one a second.
type parts struct {
	begun int
	have  int
	fails error // after three parts
	left  error // how the last one ended
}

func (p *parts) Ready() (string, bool) { return "2.35.2", p.have == 10 }

func (p *parts) Fetch(ctx context.Context, report func(nixcache.Progress)) (err error) {
	p.begun++
	defer func() { p.left = err }()
	for p.have < 10 {
		report(nixcache.Progress{Parts: p.have, AllParts: 10, Bytes: int64(p.have) * 4e6, AllBytes: 4e7})
		select {
		case <-time.After(time.Second):
			p.have++
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.fails != nil && p.have == 3 {
			return p.fails
		}
	}
	return nil
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
		if took := time.Since(began); err != nil || p.begun != 1 || took > 6*time.Second {
			t.Errorf("%v, begun %d times, %s", err, p.begun, took)
		}
		if len(lines) != 6 || lines[0] != "Nix: 4 of 10 parts, 16.0 of 40.0 MB" || last.Share != 0.9 {
			t.Errorf("%q, %+v", lines, last)
		}
		if err := e.await(t.Context(), p, nil); err != nil || p.begun != 1 {
			t.Errorf("what is here is fetched again: %v, begun %d times", err, p.begun)
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
		if err := e.await(t.Context(), p, silent); err != nil || p.begun != 2 || p.have != 10 {
			t.Errorf("%v, %+v", err, p)
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
		if p.left != nil || p.have != 3 {
			t.Errorf("the download did not go on: %+v", p)
		}
		if err := e.Close(); err != nil || !errors.Is(p.left, context.Canceled) {
			t.Errorf("%v, %+v", err, p)
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
