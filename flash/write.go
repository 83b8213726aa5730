package flash

import (
	"bytes"
	"context"

	"piwiz/flash/meter"
	"piwiz/flash/plan"
	"piwiz/flash/source"
)

// sampleEvery is how many skipped pieces there are to one that is read again in
// the end, though nothing that was written can have changed it: so a card of
// a kind that nobody thought of is likely to be found too.
const sampleEvery = 128

// write brings the card up to the image, but for the first block.
func (w *writer) write(ctx context.Context) error {
	if err := w.each(ctx, func(c source.Chunk, spare []byte) error { return w.settle(ctx, c, spare) }); err != nil {
		return err
	}
	if !w.armed {
		return nil
	}
	if err := w.card.Sync(); err != nil {
		return w.card.Fault("finish writing", -1, err)
	}
	return nil
}

// settle skips or writes the pieces of a chunk.
func (w *writer) settle(ctx context.Context, c source.Chunk, spare []byte) error {
	end := c.Off + int64(len(c.Data))
	w.seen.Add(c.Data)
	pieces := plan.Pieces(c.Data)
	zero := make([]bool, len(pieces))
	for i, p := range pieces {
		zero[i] = source.IsZero(p)
	}
	compared := 0
	must := w.plan.Settle(zero, func(from, n int) []bool {
		equal, read := w.compare(c, from, n, spare)
		if read {
			compared += n
		}
		return equal
	})
	if compared < len(pieces) {
		w.blind.Store(true)
	}
	for _, r := range plan.Runs(must) {
		off := c.Off + int64(r.From)*piece
		b := c.Data[r.From*piece : min((r.From+r.N)*piece, len(c.Data))]
		if err := w.putAround(ctx, b, off); err != nil {
			return err
		}
		w.meter.Count(meter.Counts{Written: int64(len(b))})
		w.meter.Settled(int64(len(b)))
	}
	if w.holds(c.Data, c.Off) {
		w.last = bytes.Clone(c.Data[w.held-c.Off:][:block])
		must[(w.held-c.Off)/piece] = true // in the end
	}
	w.keep(c.Off/piece, pieces, zero, must)
	w.mu.Lock()
	defer w.mu.Unlock()
	if end > w.size {
		last := c.Data[(len(c.Data)-1)/block*block:]
		if w.size, w.end = end, 0; !source.IsZero(last) {
			w.end = w.sum(last)
		}
	}
	return nil
}

// compare compares pieces of a chunk with the card. What cannot be read counts as
// different: writing it may fix it, and the verification will tell.
func (w *writer) compare(c source.Chunk, from, n int, spare []byte) (equal []bool, read bool) {
	want := c.Data[from*piece : min((from+n)*piece, len(c.Data))]
	got, off := spare[:len(want)], c.Off+int64(from)*piece
	equal = make([]bool, n)
	w.arming.RLock() // the size test puts other blocks there for a moment
	err := w.card.Read(got, off)
	w.arming.RUnlock()
	if err != nil {
		return equal, false
	}
	if off == 0 {
		copy(got, want[:block]) // it is written last, whatever it is now
	}
	if w.holds(got, off) {
		copy(got[w.held-off:][:block], want[w.held-off:]) // it is written when all else is
	}
	same := 0
	for i, p := range plan.Pieces(want) {
		if equal[i] = bytes.Equal(p, got[i*piece:][:len(p)]); equal[i] {
			same += len(p)
		} else if w.mark == nil {
			w.before.Add(got[i*piece:][:len(p)])
		}
	}
	w.meter.Count(meter.Counts{Read: int64(len(got)), Skipped: int64(same)})
	w.meter.Settled(int64(same))
	return equal, true
}

// holds tells whether the block with the mark is in a part of the image.
func (w *writer) holds(b []byte, off int64) bool {
	return w.mark != nil && w.held >= off && w.held < off+int64(len(b))
}

// putAround writes all but the block with the mark.
func (w *writer) putAround(ctx context.Context, b []byte, off int64) error {
	if err := w.arm(ctx, 0); err != nil {
		return err
	}
	if !w.holds(b, off) {
		return w.request(b, off)
	}
	at := w.held - off
	if err := w.request(b[:at], off); err != nil {
		return err
	}
	return w.request(b[at+block:], w.held+block)
}

// request writes and counts.
func (w *writer) request(b []byte, off int64) error {
	defer w.total.Add(int64(len(b)))
	again, err := w.card.WriteAgain(b, off, piece)
	if again {
		w.meter.Count(meter.Counts{Rewritten: int64(len(b))})
	}
	return err
}

// keep remembers what each piece must read back as.
func (w *writer) keep(index int64, pieces [][]byte, zero, written []bool) {
	for i, p := range pieces {
		f := proof{index: index + int64(i), sum: w.sum(p), zero: zero[i], skipped: !written[i], at: w.total.Load()}
		w.mu.Lock()
		f.sample = f.skipped && w.skipped%sampleEvery == 0
		if f.skipped {
			w.skipped++
		}
		w.proofs = append(w.proofs, f)
		w.mu.Unlock()
	}
}
