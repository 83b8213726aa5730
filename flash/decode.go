package flash

import (
	"context"
	"errors"
	"io"
)

// chunk is a decoded piece, or why there is none.
type chunk struct {
	data []byte
	err  error
}

// decode reads pieces ahead of the writer, two at most, so that decoding
// costs no time while the card is the limit. The last piece is filled with
// zeros to a whole block. stop ends it.
func (w *writer) decode(ctx context.Context) (<-chan chunk, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	out := make(chan chunk, 1)
	go func() {
		defer close(out)
		src := io.MultiReader(&front{w.front}, w.img)
		for {
			c := next(src)
			if c.err != nil && !errors.Is(c.err, io.EOF) {
				c.err = broken(w.job.Image, c.err)
			}
			if errors.Is(c.err, io.EOF) {
				return
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
			if c.err != nil {
				return
			}
		}
	}()
	return out, stop
}

// front hands out the part in memory.
type front struct{ rest []byte }

func (f *front) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// next fills a piece. io.ReadFull will not do: its unexpected end and that of
// a decoder whose input was cut look the same.
func next(src io.Reader) chunk {
	b := make([]byte, piece)
	n := 0
	for n < piece {
		m, err := src.Read(b[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return chunk{data: b[:(n+blockSize-1)/blockSize*blockSize]}
		case err != nil:
			return chunk{err: err}
		}
	}
	return chunk{data: b}
}
