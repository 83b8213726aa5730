package flash

import (
	"context"
	"errors"
	"sync"
	"time"

	"piwiz/flash/image"
	"piwiz/flash/source"
)

// lanes is how many requests are under way at once: card readers queue one or
// two, and while one is served the other lane compares and hashes.
const lanes = 2

// race runs do in every lane, each with a buffer of its own. The first error
// ends all of them.
func (w *writer) race(ctx context.Context, do func(ctx context.Context, spare []byte) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for _, spare := range w.spare {
		wg.Go(func() {
			if err := do(ctx, spare); err != nil {
				fail(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// each runs do for every chunk of the image.
func (w *writer) each(ctx context.Context, do func(c source.Chunk, spare []byte) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	chunks := w.src.Stream(ctx, w.free)
	err := w.race(ctx, func(ctx context.Context, spare []byte) error {
		for {
			began := time.Now()
			var c source.Chunk
			var ok bool
			select {
			case c, ok = <-chunks:
			case <-ctx.Done():
			}
			w.mu.Lock()
			w.waited += time.Since(began)
			w.mu.Unlock()
			if !ok {
				return nil
			}
			if c.Err != nil {
				return w.damaged(c.Err)
			}
			if err := do(c, spare); err != nil {
				return err
			}
			w.free <- c.Data[:cap(c.Data)]
		}
	})
	stop()
	for range chunks { // it closes when no buffer is in use any more
	}
	return err
}

// damaged is an image that cannot be read to its end, and what that means for
// the card.
func (w *writer) damaged(err error) error {
	var e *image.Error
	if errors.As(err, &e) {
		e.Todo = append(e.Todo, w.card.State())
	}
	return err
}
