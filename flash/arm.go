package flash

import (
	"bytes"
	"context"
	"time"

	"piwiz/flash/device"
	"piwiz/flash/disk"
	"piwiz/flash/probe"
	"piwiz/flash/source"
)

// holdsFirst tells whether the card's first block is that of the image
// already. One that cannot be read is not.
func (w *writer) holdsFirst() (bool, error) {
	_ = w.card.Sync() // what another program wrote goes where it can be read; if not, that shows
	err := w.card.Read(w.page, 0)
	w.again = err == nil && bytes.HasPrefix(w.page[disk.MarkAt:], []byte(disk.Mark))
	if err != nil && device.Gone(err) {
		return false, w.card.Fault("read", 0, err)
	}
	return err == nil && bytes.Equal(w.page, w.src.First()), nil
}

// arm makes the card one that does not boot, and then makes sure that it has
// the size it claims. Nothing else is written before. Where the image ends is
// given when nothing of it was compared yet: then its last block is marked.
func (w *writer) arm(ctx context.Context, end int64) error {
	w.arming.RLock() // no write waits for a lane that compares
	armed := w.armed
	w.arming.RUnlock()
	if armed {
		return nil
	}
	w.arming.Lock()
	defer w.arming.Unlock()
	if w.armed {
		return nil
	}
	began := time.Now()
	defer func() { w.tested = time.Since(began) }()
	was := bytes.Clone(w.page)
	copy(w.page, source.Unfinished())
	if err := w.card.WriteNow(w.page, 0); err != nil {
		return w.card.Fault("write", 0, err)
	}
	mark, rest, err := probe.Run(ctx, w.card, probe.Claim{Size: w.job.CardSize, First: source.Unfinished(), Image: end, Was: w.before.Add}, w.marks, w.extra)
	if err != nil {
		copy(w.page, was)
		_ = w.card.WriteNow(w.page, 0) // all is as it was; the error says what is wrong with the card
		return err
	}
	if mark != nil {
		w.mark, w.held = mark, end-block // before any lane runs
	}
	w.behind, w.armed = rest, true
	return nil
}

// finish writes the first block and verifies it. It has no alias in the image, or
// verifyAll would have failed. If it cannot be verified it is erased again.
func (w *writer) finish() error {
	if !w.armed {
		return nil // it was there from the start
	}
	var failed error
	for range 1 + rewrites {
		copy(w.page, w.src.First())
		if err := w.card.WriteNow(w.page, 0); err != nil {
			failed = w.card.Fault("write", 0, err)
			break
		}
		clear(w.page)
		if err := w.card.Read(w.page, 0); err != nil {
			failed = w.card.Fault("verify", 0, err)
			continue
		}
		if bytes.Equal(w.page, w.src.First()) {
			return nil
		}
		failed = w.card.Mismatch(int64(device.Differs(w.page, w.src.First())))
	}
	copy(w.page, source.Unfinished())
	_ = w.card.WriteNow(w.page, 0) // it must not boot; the error says that it failed
	return failed
}
