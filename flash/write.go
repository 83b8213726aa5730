package flash

import (
	"bytes"
	"context"

	"piwiz/flash/device"
	"piwiz/flash/plan"
	"piwiz/flash/source"
)

// sampleEvery is how many skipped pieces there are to one that is read again
// in the end, lest what was written elsewhere has changed it: on a card that
// lies about its size it would.
const sampleEvery = 128

// write brings the card up to the image, but for the first block.
func (w *writer) write(ctx context.Context) error {
	if err := w.each(ctx, w.settle); err != nil {
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
func (w *writer) settle(c source.Chunk, spare []byte) error {
	end := c.Off + int64(len(c.Data))
	pieces := split(c.Data)
	zero := make([]bool, len(pieces))
	for i, p := range pieces {
		zero[i] = source.IsZero(p)
	}
	must := w.plan.Settle(zero, func(from, n int) []bool { return w.look(c, from, n, spare) })
	for _, r := range plan.Runs(must) {
		off := c.Off + int64(r.From)*piece
		b := c.Data[r.From*piece : min((r.From+r.N)*piece, len(c.Data))]
		if err := w.put(b, off); err != nil {
			return err
		}
		w.meter.settled(int64(len(b)))
	}
	w.keep(c.Off/piece, pieces, must)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.size = max(w.size, end)
	return nil
}

func split(b []byte) [][]byte {
	var out [][]byte
	for ; len(b) > piece; b = b[piece:] {
		out = append(out, b[:piece])
	}
	if len(b) > 0 {
		out = append(out, b)
	}
	return out
}

// look compares pieces of a chunk with the card. What cannot be read counts as
// different: writing it may mend it, and the verification will tell.
func (w *writer) look(c source.Chunk, from, n int, spare []byte) []bool {
	want := c.Data[from*piece : min((from+n)*piece, len(c.Data))]
	got, off := spare[:len(want)], c.Off+int64(from)*piece
	equal := make([]bool, n)
	if w.card.Read(got, off) != nil {
		return equal
	}
	if off == 0 {
		copy(got, want[:block]) // it is written last, whatever it is now
	}
	same := 0
	for i, p := range split(want) {
		if equal[i] = bytes.Equal(p, got[i*piece:][:len(p)]); equal[i] {
			same += len(p)
		}
	}
	w.meter.count(Counts{Read: int64(len(got)), Skipped: int64(same)})
	w.meter.settled(int64(same))
	return equal
}

// put writes, and on a fault tries once more in small steps, to pass it or to
// name its place.
func (w *writer) put(b []byte, off int64) error {
	if err := w.arm(); err != nil {
		return err
	}
	err := w.card.Write(b, off)
	if err != nil {
		if !device.Gone(err) {
			off, err = device.Narrow(w.card.Write, b, off, piece)
		}
		if err != nil {
			return w.card.Fault("write", off, err)
		}
		w.meter.count(Counts{Rewritten: int64(len(b))})
	}
	w.meter.count(Counts{Written: int64(len(b))})
	return nil
}

// keep remembers what was written, and a sample of what was skipped.
func (w *writer) keep(index int64, pieces [][]byte, written []bool) {
	for i, p := range pieces {
		w.mu.Lock()
		sample := !written[i] && w.skipped%sampleEvery == 0
		if !written[i] {
			w.skipped++
		}
		w.mu.Unlock()
		if !written[i] && !sample {
			continue
		}
		f := proof{index: index + int64(i), sum: w.sum(p), skipped: sample}
		w.mu.Lock()
		w.proofs = append(w.proofs, f)
		w.mu.Unlock()
	}
}
