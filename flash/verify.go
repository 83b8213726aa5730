package flash

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"sync/atomic"

	"piwiz/flash/device"
	"piwiz/flash/lanes"
	"piwiz/flash/meter"
	"piwiz/flash/plan"
	"piwiz/flash/source"
	"piwiz/flash/wipe"
)

// rewrites is how often a piece is written again before the card has failed.
const rewrites = 2

// verifyAll makes sure that the card holds the image, after the last write but that
// of the first block, and fixes it if it can. The package's doc says why that is
// enough.
func (w *writer) verifyAll(ctx context.Context) error {
	if !w.armed {
		return nil // every piece was read, and nothing changed since
	}
	slices.SortFunc(w.proofs, func(a, b proof) int { return cmp.Compare(a.index, b.index) })
	apart, err := wipe.Outside(ctx, w.card, w.size, w.job.CardSize, w.src.Table(), w.extra, w.seen.Has)
	if err != nil {
		return err
	}
	sized, err := w.sized(ctx)
	if err != nil {
		return err
	}
	all := w.again || !apart || !sized
	if all {
		err = w.forgetAll(ctx)
	}
	for round := 0; err == nil; round++ {
		var bad []proof
		var first error
		if bad, err = w.verify(ctx, w.due(all, round)); err == nil {
			first, err = w.unfinished()
		}
		switch {
		case err != nil || len(bad) == 0 && first == nil:
			return err
		case first != nil && (len(bad) == 0 && round == rewrites):
			return first
		case round == rewrites:
			return w.card.Mismatch(bad[0].index * piece)
		}
		err = w.repair(ctx, bad, first)
		all = true
	}
	return err
}

// due is what must be verified: all, or what was written and a sample of the
// rest.
func (w *writer) due(all bool, round int) []proof {
	var out []proof
	total := int64(0)
	for _, p := range w.proofs {
		if all || !p.skipped || p.sample {
			out = append(out, p)
			total += w.length(p.index)
		}
	}
	if round == 0 {
		w.meter.Begin(meter.Verifying, total)
	} else {
		w.meter.More(total)
	}
	return out
}

// repair writes what is bad once more, and makes the card forget that.
func (w *writer) repair(ctx context.Context, bad []proof, first error) error {
	if len(bad) > max(8, len(w.proofs)/8) {
		if err := w.fix(ctx, bad[:1]); err != nil { // it knows the very byte
			return err
		}
		return w.card.Mismatch(bad[0].index * piece)
	}
	if first != nil {
		copy(w.page, source.Unfinished())
		if err := w.card.WriteNow(w.page, 0); err != nil {
			return w.card.Fault("write", 0, err)
		}
	}
	if err := w.fix(ctx, bad); err != nil {
		return err
	}
	if err := w.forget(ctx, false); err != nil {
		return err
	}
	return w.forgetAll(ctx)
}

// unfinished tells what is wrong when the first block does not read as the
// unfinished one any more.
func (w *writer) unfinished() (wrong, err error) {
	if err := w.card.Read(w.page, 0); err != nil {
		return nil, w.card.Fault("verify", 0, err)
	}
	if want := source.Unfinished(); !bytes.Equal(w.page, want) {
		return w.card.Mismatch(int64(device.Differs(w.page, want))), nil
	}
	return nil, nil
}

// length is that of a piece in bytes.
func (w *writer) length(index int64) int64 { return min(piece, w.size-index*piece) }

// verify reads pieces past every cache, and comes back with those that are
// not as they should be or cannot be read.
func (w *writer) verify(ctx context.Context, proofs []proof) (bad []proof, err error) {
	groups := inARow(proofs)
	var next atomic.Int64
	err = lanes.Race(ctx, w.lanes, func(ctx context.Context, own lanes.Lane) error {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(groups) {
				return nil
			}
			wrong, err := w.check(groups[i], own.Spare)
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
			return nil, w.card.Fault("verify", off, err)
		}
		if len(group) == 1 {
			return group, nil // writing it again may fix it
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
	w.meter.Count(meter.Counts{Verified: int64(len(got))})
	w.meter.Settled(int64(len(got)))
	for i, p := range plan.Pieces(got) {
		if w.sum(p) != group[i].sum {
			bad = append(bad, group[i])
		}
	}
	return bad, nil
}

// fix writes pieces again from the image.
func (w *writer) fix(ctx context.Context, bad []proof) error {
	broken := map[int64]bool{}
	for _, p := range bad {
		broken[p.index] = true
	}
	for i := range w.proofs {
		if p := &w.proofs[i]; broken[p.index] {
			p.skipped, p.at = false, math.MaxInt64
		}
	}
	wanted := func(index int64) bool { return broken[index] }
	return w.picked(ctx, len(broken), wanted, func(b []byte, index int64, got []byte) error {
		return w.rewritten(b, index*piece, got)
	})
}

// rewritten writes a piece until it reads back right, twice at most.
func (w *writer) rewritten(want []byte, off int64, got []byte) error {
	var failed error
	for range rewrites {
		w.meter.Count(meter.Counts{Rewritten: int64(len(want))})
		if err := w.request(want, off); err != nil {
			return err
		}
		if err := w.card.Sync(); err != nil {
			return w.card.Fault("finish writing", off, err)
		}
		if err := w.card.Read(got, off); err != nil {
			where, err := device.Narrow(w.card.Read, got, off, piece)
			if err != nil {
				failed = w.card.Fault("verify", where, err)
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
