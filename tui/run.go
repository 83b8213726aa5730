package tui

import (
	"context"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
)

// tick is the heartbeat of a page with work running.
type tick struct{ of any }

// heartbeat is 12 Hz: quick enough to look live, slow enough to cost nothing.
// Only tests change it.
var heartbeat = 80 * time.Millisecond

// since is how long ago something began. Only tests change it.
var since = time.Since

func beat(of any) tea.Cmd {
	return tea.Tick(heartbeat, func(time.Time) tea.Msg { return tick{of} })
}

// run is one piece of work in the background. The worker overwrites the latest
// progress, the page samples it.
type run[P, R any] struct {
	mu       sync.Mutex
	cancel   context.CancelFunc
	progress P
	result   R
	err      error
	began    time.Time
	done     chan struct{}
}

func start[P, R any](ctx context.Context, work func(context.Context, func(P)) (R, error)) *run[P, R] {
	ctx, cancel := context.WithCancel(ctx)
	r := &run[P, R]{cancel: cancel, began: time.Now(), done: make(chan struct{})}
	var result R
	crash.Go(func() (err error) {
		result, err = work(ctx, func(p P) {
			r.mu.Lock()
			r.progress = p
			r.mu.Unlock()
		})
		return err
	}, func(err error) {
		cancel()
		r.result, r.err = result, err // read after done
		close(r.done)
	})
	return r
}

func (r *run[P, R]) sample() P {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

func (r *run[P, R]) running() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// ended tells whether the work is over; where it is not, cmd is the next beat.
// A beat of other work ends nothing.
func (r *run[P, R]) ended(msg tick) (over bool, cmd tea.Cmd) {
	switch {
	case r == nil || msg.of != any(r):
		return false, nil
	case r.running():
		return false, beat(r)
	}
	return true, nil
}

// finalErr is what a run failed with; nil while it runs, or when it did not fail.
func (r *run[P, R]) finalErr() error {
	if r == nil || r.running() {
		return nil
	}
	return r.err
}

// stop cancels and waits, so that no child outlives the page.
func (r *run[P, R]) stop() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}
