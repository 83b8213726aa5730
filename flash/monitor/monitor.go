// Package monitor runs work that may hang: a request to a card can stay in the
// kernel for minutes and cannot be interrupted.
package monitor

import (
	"context"
	"errors"
	"time"

	"piwiz/flash/crash"
)

const (
	every = 100 * time.Millisecond
	grace = time.Second // for work that ends by itself
)

// ErrHung is work that has not ended a second after ctx has.
var ErrHung = errors.New("it does not answer")

// Run runs work, and beat ten times a second and at the end of it. Work that hangs goes on, and what it comes back with is lost.
func Run[T any](ctx context.Context, work func() (T, error), beat func()) (T, error) {
	var r T
	done := make(chan error, 1)
	crash.Go(func() (err error) {
		r, err = work()
		return err
	}, func(err error) { done <- err })
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	var hung <-chan time.Time
	stopping := ctx.Done()
	for {
		select {
		case err := <-done:
			beat()
			return r, err
		case <-ticks.C:
			beat()
		case <-stopping:
			stopping = nil
			hung = time.After(grace)
		case <-hung:
			var nothing T // the work may still write to r
			return nothing, ErrHung
		}
	}
}
