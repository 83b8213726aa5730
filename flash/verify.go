package flash

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"piwiz/flash/device"
	"piwiz/flash/source"
)

// rewrites is how often a piece is written again before the card has failed.
const rewrites = 2

// prove reads back what was written, and mends it if it can.
func (w *writer) prove(ctx context.Context) error {
	if !w.armed {
		w.proofs = nil // every piece was read, and nothing changed since
	}
	slices.SortFunc(w.proofs, func(a, b proof) int { return cmp.Compare(a.index, b.index) })
	total := int64(0)
	for _, p := range w.proofs {
		total += w.length(p.index)
	}
	w.meter.stage(Verifying, total)
	bad, err := w.verify(ctx, w.proofs)
	if err != nil || len(bad) == 0 {
		return err
	}
	for _, p := range bad {
		if p.skipped { // if what was not touched has changed, more of it has than was looked at
			return w.card.Mismatch(p.index * piece)
		}
	}
	if len(bad) <= max(8, len(w.proofs)/8) {
		return w.mend(ctx, bad)
	}
	if err := w.mend(ctx, bad[:1]); err != nil { // it knows the very byte
		return err
	}
	return w.card.Mismatch(bad[0].index * piece)
}

// length is that of a piece in bytes.
func (w *writer) length(index int64) int64 { return min(piece, w.size-index*piece) }

// verify reads pieces past every cache, and comes back with those that are
// not as they should be or cannot be read.
func (w *writer) verify(ctx context.Context, proofs []proof) (bad []proof, err error) {
	groups := inARow(proofs)
	var next atomic.Int64
	err = w.race(ctx, func(ctx context.Context, own lane) error {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(groups) {
				return nil
			}
			wrong, err := w.check(groups[i], own.spare)
			if err != nil {
				return err
			}
			w.mu.Lock()
			bad = append(bad, wrong...)
			w.mu.Unlock()
		}
		return nil
	})
	slices.SortFunc(bad, func(a, b proof) int { return cmp.Compare(a.index, b.index) })
	return bad, err
}

// inARow cuts sorted proofs into groups that one request can read.
func inARow(proofs []proof) [][]proof {
	var out [][]proof
	from := 0
	for i := range proofs {
		if i+1 == len(proofs) || proofs[i+1].index != proofs[i].index+1 || i+1-from == chunkSize/piece {
			out = append(out, proofs[from:i+1])
			from = i + 1
		}
	}
	return out
}

func (w *writer) check(group []proof, spare []byte) (bad []proof, err error) {
	off := group[0].index * piece
	got := spare[:min(int64(len(group))*piece, w.size-off)]
	if err := w.card.Read(got, off); err != nil {
		if device.Gone(err) || w.card.Silent() {
			return nil, w.card.Fault("read back", off, err)
		}
		if len(group) == 1 {
			return group, nil // writing it again may mend it
		}
		for i := range group { // find the bad one
			one, err := w.check(group[i:i+1], spare)
			if err != nil {
				return nil, err
			}
			bad = append(bad, one...)
		}
		return bad, nil
	}
	w.meter.count(Counts{Verified: int64(len(got))})
	w.meter.settled(int64(len(got)))
	for i, p := range split(got) {
		if w.sum(p) != group[i].sum {
			bad = append(bad, group[i])
		}
	}
	return bad, nil
}

// mend writes pieces again from the image. Then it reads all of them back
// once more, lest mending one has spoiled another.
func (w *writer) mend(ctx context.Context, bad []proof) error {
	broken := map[int64]bool{}
	for _, p := range bad {
		broken[p.index] = true
	}
	err := w.each(ctx, func(c source.Chunk, spare []byte) error {
		for i, p := range split(c.Data) {
			if index := c.Off/piece + int64(i); broken[index] {
				if err := w.again(p, index*piece, spare[:len(p)]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	still, err := w.verify(ctx, bad)
	if err == nil && len(still) > 0 {
		return w.card.Mismatch(still[0].index * piece)
	}
	return err
}

// again writes a piece until it reads back right, twice at most.
func (w *writer) again(want []byte, off int64, got []byte) error {
	var failed error
	for range rewrites {
		w.meter.count(Counts{Rewritten: int64(len(want))})
		if err := w.put(want, off); err != nil {
			return err
		}
		if err := w.card.Sync(); err != nil {
			return w.card.Fault("finish writing", off, err)
		}
		if err := w.card.Read(got, off); err != nil {
			where, err := device.Narrow(w.card.Read, got, off, piece)
			if err != nil {
				failed = w.card.Fault("read back", where, err)
				continue
			}
		}
		if bytes.Equal(got, want) {
			return nil
		}
		failed = w.card.Mismatch(off + int64(device.Differs(got, want)))
	}
	return failed
}
