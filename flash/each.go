package flash

import (
	"context"
	"errors"
	"io"
	"time"

	"piwiz/flash/image"
	"piwiz/flash/lanes"
	"piwiz/flash/source"
)

// each runs do for every chunk of the image.
func (w *writer) each(ctx context.Context, do func(c source.Chunk, spare []byte) error) error {
	w.src.Rewind()
	err := lanes.Race(ctx, w.lanes, func(ctx context.Context, own lanes.Lane) error {
		for ctx.Err() == nil {
			began := time.Now()
			c, err := w.src.Next(own.Chunk)
			w.mu.Lock()
			w.waited += time.Since(began)
			w.mu.Unlock()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := do(c, own.Spare); err != nil {
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
