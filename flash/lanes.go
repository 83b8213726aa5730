package flash

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"piwiz/flash/crash"
	"piwiz/flash/image"
	"piwiz/flash/source"
)

// lanes is how many requests are under way at once. Card readers queue one or
// two; while those are served another lane decodes, compares and hashes.
const lanes = 3

// lane is the memory of one: for a part of the image, and to read into.
type lane struct{ chunk, spare []byte }

// race runs do in every lane. The first error ends all of them.
func (w *writer) race(ctx context.Context, do func(ctx context.Context, own lane) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for _, own := range w.lanes {
		wg.Add(1)
		crash.Go(func() error { return do(ctx, own) }, func(err error) {
			if err != nil {
				fail(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// each runs do for every chunk of the image.
func (w *writer) each(ctx context.Context, do func(c source.Chunk, spare []byte) error) error {
	w.src.Rewind()
	err := w.race(ctx, func(ctx context.Context, own lane) error {
		for ctx.Err() == nil {
			began := time.Now()
			c, err := w.src.Next(own.chunk)
			w.mu.Lock()
			w.waited += time.Since(began)
			w.mu.Unlock()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := do(c, own.spare); err != nil {
				return err
			}
		}
		return nil
	})
	return w.damaged(err)
}

// damaged adds to an image that cannot be read to its end what that means for
// the card.
func (w *writer) damaged(err error) error {
	var e *image.Error
	if errors.As(err, &e) {
		e.Todo = append(e.Todo, w.card.State())
	}
	return err
}
