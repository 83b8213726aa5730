package flash

import (
	"bytes"

	"piwiz/flash/source"
)

// holdsFirst tells whether the card's first block is that of the image
// already. One that cannot be read is not.
func (w *writer) holdsFirst() (bool, error) {
	err := w.card.read(w.page, 0)
	if err != nil && gone(err) {
		return false, w.cardError("read", 0, err)
	}
	return err == nil && bytes.Equal(w.page, w.src.First()), nil
}

// arm makes the card one that does not boot, and then makes sure that it has
// the size it claims. Nothing else is written before.
func (w *writer) arm() error {
	w.arming.Lock()
	defer w.arming.Unlock()
	if w.armed {
		return nil
	}
	was := bytes.Clone(w.page)
	copy(w.page, source.Unfinished())
	w.touched.Store(true)
	if err := w.card.writeNow(w.page, 0); err != nil {
		return w.cardError("write", 0, err)
	}
	if err := w.probe(); err != nil {
		copy(w.page, was)
		_ = w.card.writeNow(w.page, 0) // all is as it was; the error says what is wrong with the card
		return err
	}
	w.armed = true
	return nil
}

// finish writes the first block and proves it. If it cannot be proven it is
// erased again.
func (w *writer) finish() error {
	if !w.armed {
		return nil // it was there from the start
	}
	var failed error
	for range 1 + rewrites {
		copy(w.page, w.src.First())
		if err := w.card.writeNow(w.page, 0); err != nil {
			failed = w.cardError("write", 0, err)
			break
		}
		clear(w.page)
		if err := w.card.read(w.page, 0); err != nil {
			failed = w.cardError("read back", 0, err)
			continue
		}
		if bytes.Equal(w.page, w.src.First()) {
			return nil
		}
		failed = w.mismatch(int64(differs(w.page, w.src.First())))
	}
	copy(w.page, source.Unfinished())
	_ = w.card.writeNow(w.page, 0) // it must not boot; the error says that it failed
	return failed
}
