package flash

import (
	"context"
	"errors"

	"piwiz/flash/probe"
	"piwiz/flash/source"
)

// errEnough ends a pass over the image before the image does.
var errEnough = errors.New("enough of the image")

// forget makes the card forget what was written, with pieces of the image that
// it does not remember any more itself, and what is wanting in those with what
// lies behind the image.
func (w *writer) forget(ctx context.Context) error {
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
	if err := w.rewrite(ctx, pick); err != nil {
		return err
	}
	if short > 0 {
		return w.forgetBehind(ctx, short)
	}
	return nil
}

// rewrite writes pieces of the image once more.
func (w *writer) rewrite(ctx context.Context, pick map[int64]*proof) error {
	if len(pick) == 0 {
		return nil
	}
	left := len(pick)
	err := w.each(ctx, func(c source.Chunk, _ []byte) error {
		for i, b := range split(c.Data) {
			p := pick[c.Off/piece+int64(i)]
			if p == nil {
				continue
			}
			if err := w.request(b, p.index*piece); err != nil {
				return err
			}
			w.mu.Lock()
			p.at, p.skipped = w.total.Load(), false
			left--
			done := left == 0
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

// forgetBehind does it with what lies behind the image, from where it stopped
// the last time, so that it is not what the card remembers already.
func (w *writer) forgetBehind(ctx context.Context, bytes int64) error {
	end, was := w.job.CardSize/block*block, max(w.behind, w.size)
	at, wanting, err := probe.Forget(ctx, w.card, w.size, was, bytes, w.extra)
	if err == nil && wanting > 0 {
		at, _, err = probe.Forget(ctx, w.card, was, end, wanting, w.extra)
	}
	w.behind = at
	return err
}
