package flash

import (
	"bytes"
	"context"

	"piwiz/flash/device"
	"piwiz/flash/meter"
)

// sized tells whether the image is below the real end of the card, so that
// each block of it has a place of its own: by the mark, which the last block
// then replaces, or by the edge.
func (w *writer) sized(ctx context.Context) (bool, error) {
	if w.mark == nil && w.ends() {
		return true, nil
	}
	if err := w.forget(ctx, false); err != nil {
		return false, err
	}
	if w.mark == nil {
		return w.edge(ctx)
	}
	intact := w.card.Read(w.page, w.held) == nil && bytes.Equal(w.page, w.mark) && w.held+block == w.size
	copy(w.page, w.last)
	if err := w.card.WriteNow(w.page, w.held); err != nil {
		return false, w.card.Fault("write", w.held, err)
	}
	w.mark = nil
	return intact, nil
}

// ends tells whether the last block of the image was found equal and is unlike
// all others, and unlike all that was found where something was written then.
func (w *writer) ends() bool {
	return !w.blind.Load() && w.end != 0 && w.proofs[len(w.proofs)-1].skipped &&
		w.seen.Count(w.end) == 1 && w.before.Count(w.end) == 0
}

// edge looks for a block near the end of the image that was found equal, is
// still right, and is unlike all others.
func (w *writer) edge(ctx context.Context) (bool, error) {
	for i := len(w.proofs) - 1; i >= 0 && ctx.Err() == nil; i-- {
		p := w.proofs[i]
		if !p.skipped {
			return false, nil
		}
		b := w.extra[:w.length(p.index)]
		if err := w.card.Read(b, p.index*piece); err != nil {
			if device.Gone(err) || w.card.Silent() {
				return false, w.card.Fault("verify", p.index*piece, err)
			}
			return false, nil
		}
		w.meter.Count(meter.Counts{Verified: int64(len(b))})
		if w.sum(b) != p.sum {
			return false, nil
		}
		if w.seen.Unique(b) {
			return true, nil
		}
	}
	return false, ctx.Err()
}
