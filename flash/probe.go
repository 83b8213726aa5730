package flash

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"piwiz/flash/source"
)

// haste is after how long the probe only does what it must. Restoring takes as
// long again, so all of it is done within three seconds.
const haste = time.Second

// probeMemory is two blocks for each of 31 places, and one to read into; no
// card has more than 27.
const probeMemory = 63 * block

// place is a block that is written for a moment, and what was there.
type place struct {
	off       int64
	must      bool
	was, want []byte
}

// probe makes sure that the card has the size it claims. A counterfeit one
// keeps nothing behind its real end, or keeps it at the same place as
// something in front: it counts on from the start, or drops the upper bits of
// an address. So blocks with a mark are written at sixteenths of the card and
// at powers of two, from the last to the first: the lowest that does not read
// back is the first that does not exist. Whatever happens, the blocks then
// become what they were, and the first one unfinished.
func (w *writer) probe() error {
	places := placesOn(w.job.CardSize)
	rest := w.marks
	cut := func() []byte {
		b := rest[:block:block]
		rest = rest[block:]
		return b
	}
	var marked []place
	got := cut()
	began, failed := time.Now(), error(nil)
	for _, p := range places {
		if time.Since(began) > haste && !p.must {
			continue
		}
		p.was, p.want = cut(), cut()
		fillRandom(p.want)
		if failed = w.try("read", w.card.read, p.was, p.off); failed != nil {
			break
		}
		marked = append(marked, p)
		if failed = w.try("write", w.card.write, p.want, p.off); failed != nil {
			break
		}
	}
	if failed == nil {
		failed = w.judge(marked, got)
	}
	return w.restore(marked, got, failed)
}

// restore puts back what was there, whatever has failed before, and makes
// sure of it: some of it may have been found right and skipped.
func (w *writer) restore(marked []place, got []byte, failed error) error {
	copy(w.page, source.Unfinished())
	if err := w.card.write(w.page, 0); err != nil && failed == nil {
		failed = w.cardError("write", 0, err)
	}
	for _, p := range slices.Backward(marked) {
		if err := w.card.write(p.was, p.off); err != nil && failed == nil {
			failed = w.cardError("write", p.off, err)
		}
	}
	if err := w.card.sync(); err != nil && failed == nil {
		failed = w.cardError("finish writing", -1, err)
	}
	for _, p := range marked {
		if failed != nil {
			break
		}
		if failed = w.try("read back", w.card.read, got, p.off); failed == nil && !bytes.Equal(got, p.was) {
			failed = w.mismatch(p.off + int64(differs(got, p.was)))
		}
	}
	return failed
}

func (w *writer) try(op string, do func([]byte, int64) error, b []byte, off int64) error {
	if err := do(b, off); err != nil {
		return w.cardError(op, off, err)
	}
	return nil
}

// placesOn lists the blocks to mark, the last one first.
func placesOn(size int64) []place {
	at := map[int64]bool{} // whether it must be
	for i := int64(1); i < 16; i++ {
		at[size*i/16] = i&(i-1) == 0
	}
	for p := int64(1 << 40); p > size/128 && p >= piece; p /= 2 {
		at[p] = true
	}
	at[size/32], at[size/64], at[size-block] = true, true, true
	var out []place
	for off, must := range at {
		if off = off / block * block; off >= block && off <= size-block {
			out = append(out, place{off: off, must: must})
		}
	}
	slices.SortFunc(out, func(a, b place) int { return int(max(-1, min(1, b.off-a.off))) })
	return slices.CompactFunc(out, func(a, b place) bool { return a.off == b.off })
}

func fillRandom(b []byte) {
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64())
	}
}

// judge reads the marks back. One bad mark is a bad place; a card of which the
// end is missing, or on which a place has the mark of another, is a fake.
func (w *writer) judge(marked []place, got []byte) error {
	fillRandom(w.page[512:]) // what makes a card boot stays zero
	if err := w.card.writeNow(w.page, 0); err != nil {
		return w.cardError("write", 0, err)
	}
	var lowest *place
	var where int
	fake := false
	for i := range marked {
		p := &marked[i]
		if err := w.card.read(got, p.off); err != nil {
			return w.cardError("read", p.off, err)
		}
		if bytes.Equal(got, p.want) {
			continue
		}
		lowest, where = p, differs(got, p.want)
		fake = fake || i == 0 || bytes.Equal(got, w.page) || slices.ContainsFunc(marked, func(o place) bool { return bytes.Equal(got, o.want) })
	}
	switch {
	case lowest == nil:
		return nil
	case fake:
		return w.fake(lowest.off)
	}
	return w.mismatch(lowest.off + int64(where))
}
