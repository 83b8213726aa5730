package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
)

// pane is a terminal that only remembers what was written since it was asked.
type pane struct {
	mu    sync.Mutex
	seen  []byte
	wrote chan struct{}
}

func (p *pane) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.seen = append(p.seen, b...)
	p.mu.Unlock()
	select {
	case p.wrote <- struct{}{}:
	default:
	}
	return len(b), nil
}

// until waits for a text, and forgets what came before its end.
func (p *pane) until(t *testing.T, text string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		at := bytes.Index(p.seen, []byte(text))
		if at >= 0 {
			p.seen = p.seen[at+len(text):]
		}
		p.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-p.wrote:
		case <-late:
			t.Fatalf("no %q", text)
		}
	}
}

// helpAfter presses ? on the page of a build that says so many lines a second,
// again and again, and returns how long it takes until the keys are on the screen.
func helpAfter(t *testing.T, linesPerSecond, times int) (waits []time.Duration, said float64) {
	t.Helper()
	e, h := engine(t), savedBach(t)
	e.Hosts = func() ([]hostfile.Saved, []error, error) { return []hostfile.Saved{h}, nil, nil }
	lines := 0
	e.Build = func(ctx context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
		began := time.Now()
		for beat := time.NewTicker(time.Millisecond); ; {
			select {
			case <-ctx.Done():
				return builder.Result{}, ctx.Err()
			case <-beat.C:
			}
			for ; lines < int(time.Since(began).Seconds()*float64(linesPerSecond)); lines++ {
				report(follow.Event{Line: fmt.Sprintf("building '/nix/store/%032d-linux-6.18.drv' line %d", lines, lines), Derivation: "linux"})
			}
		}
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	in, keys := io.Pipe()
	defer keys.Close()
	out := &pane{wrote: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, e, in, out) }()
	press := func(k string) { _, _ = io.WriteString(keys, k) }
	out.until(t, "Replace the dead card")
	press("\x1b[B\r")
	out.until(t, "d one step's lines")
	at := time.Now()
	for range times {
		at := time.Now()
		press("?")
		out.until(t, "Keys on this page")
		waits = append(waits, time.Since(at))
		press("x")
		out.until(t, " in all")
	}
	took := time.Since(at)
	end()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	said = float64(lines) / took.Seconds()
	slices.Sort(waits)
	return waits, said
}

// TestAKeyIsAnsweredAtOnceHoweverMuchABuildSays holds a tenth of a second at the
// 99th percentile; where the machine itself is slow, what a silent build takes
// counts. Another program that takes the processor for a moment makes one of the
// presses slow, so the best of a few runs counts: what piwiz does is in all of them.
func TestAKeyIsAnsweredAtOnceHoweverMuchABuildSays(t *testing.T) {
	const times, runs = 40, 4
	worst := func(waits []time.Duration) time.Duration { return waits[len(waits)*99/100] }
	for range runs {
		quiet, _ := helpAfter(t, 0, times)
		loud, said := helpAfter(t, 10_000, times)
		t.Logf("from ? to the picture, median and p99: %v, %v with a silent build; %v, %v at %.0f lines/s", quiet[times/2], worst(quiet), loud[times/2], worst(loud), said)
		if worst(loud) <= max(100*time.Millisecond, 4*worst(quiet)) {
			return
		}
	}
	t.Errorf("in none of %d runs was p99 at most 100 ms or four times that of a silent build", runs)
}
