package flash

import (
	"bytes"
	"context"
	"errors"

	"piwiz/flash/plan"
	"piwiz/flash/probe"
	"piwiz/flash/source"
)

// errEnough ends a pass over the image before the image does.
var errEnough = errors.New("enough of the image")

// forget makes the card forget what was written, with pieces of the image that
// it does not remember any more itself, and what is wanting in those with what
// is behind the image. It may hide what something else has done to such a piece;
// with sure it takes only those that are right.
func (w *writer) forget(ctx context.Context, sure bool) error {
	short := int64(probe.Enough)
	pick := map[int64]*proof{}
	for i := range w.proofs {
		p := &w.proofs[i]
		// The first and the last piece have blocks that are not written yet. One of
		// zeros may take a card no memory.
		if p.index == 0 || i == len(w.proofs)-1 || p.zero || !p.skipped && w.total.Load()-p.at < probe.Enough {
			continue
		}
		if short <= 0 {
			break
		}
		pick[p.index] = p
		short -= piece
	}
	if err := w.rewrite(ctx, pick, sure); err != nil {
		return err
	}
	if short > 0 {
		return w.forgetBehind(ctx, short)
	}
	return nil
}

// forgetAll does it so that nothing is hidden: what forget wrote has reached
// its place, and what is behind the image too.
func (w *writer) forgetAll(ctx context.Context) error {
	if err := w.forgetBehind(ctx, probe.Enough); err != nil {
		return err
	}
	return w.forget(ctx, true)
}

// rewrite writes pieces of the image once more, with sure those that are right.
func (w *writer) rewrite(ctx context.Context, pick map[int64]*proof, sure bool) error {
	if len(pick) == 0 {
		return nil
	}
	wanted := func(index int64) bool { return pick[index] != nil }
	return w.picked(ctx, len(pick), wanted, func(b []byte, index int64, got []byte) error {
		p, right := pick[index], !sure
		if sure {
			right = w.card.Read(got, index*piece) == nil && bytes.Equal(got, b)
		}
		if right {
			if err := w.request(b, index*piece); err != nil {
				return err
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		p.at = w.total.Load()
		p.skipped = p.skipped && !right
		return nil
	})
}

// picked runs do for the n pieces of the image that are wanted, with memory of
// the piece's size to read into, and no longer than until it had all of them.
func (w *writer) picked(ctx context.Context, n int, wanted func(index int64) bool, do func(b []byte, index int64, spare []byte) error) error {
	err := w.each(ctx, func(c source.Chunk, spare []byte) error {
		for i, b := range plan.Pieces(c.Data) {
			index := c.Off/piece + int64(i)
			if !wanted(index) {
				continue
			}
			if err := do(b, index, spare[:len(b)]); err != nil {
				return err
			}
			w.mu.Lock()
			n--
			done := n == 0
			w.mu.Unlock()
			if done {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// forgetBehind does it with what is behind the image, from where it stopped
// the last time, so that it is not what the card remembers already.
func (w *writer) forgetBehind(ctx context.Context, bytes int64) error {
	end, was := w.job.CardSize/block*block, max(w.behind, w.size)
	at, wanting, err := probe.Forget(ctx, w.card, w.size, was, bytes, w.extra)
	if err == nil && wanting > 0 {
		at, wanting, err = probe.Forget(ctx, w.card, was, end, wanting, w.extra)
	}
	w.behind = at
	w.total.Add(bytes - wanting)
	return err
}
