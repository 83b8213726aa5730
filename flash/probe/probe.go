// Package probe tests whether a card has the size it claims, and leaves it as
// it was.
package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"piwiz/flash/device"
	"piwiz/flash/disk"
)

// haste is after how long the probe only does what it must. Restoring takes as
// long again, so all of it is done within three seconds.
const haste = time.Second

// Memory is how many bytes of it a probe needs: two blocks for each of 31
// places, one to read into, and one for the first block; no card has more than
// 28 places.
const Memory = 64 * block

const block = device.Block

// place is a block that is written for a moment, and what was there.
type place struct {
	off       int64
	must      bool
	was, want []byte
}

// Claim is what is tested, in bytes.
type Claim struct {
	Size  int64
	First []byte       // what the first block is in the end
	Image int64        // where the image ends; 0 leaves nothing behind and makes the card forget nothing
	Was   func([]byte) // is told what was there before each mark; may be nil
}

// probe is one run.
type probe struct {
	Claim
	card   *device.Device
	page   []byte // the first block
	got    []byte // one block to read into
	marked []place
	last   []byte // the mark on the image's last block
}

// Run makes sure that a card has the size it claims. A counterfeit one keeps
// nothing behind its real end, or keeps it at the same place as something in
// front, because it drops the upper bits of an address. So blocks with a mark
// are written at sixteenths of the card and at powers of two, from the last to
// the first: the lowest that does not read back is the first that does not
// exist. Such a card may also remember what was written last, so it is asked
// once more after it was made to forget. Whatever happens, the blocks then
// become what they were, and the first one what it should be; its first half is
// never anything else.
//
// The last block of the image, which is going to be written anyway, has a mark
// too, and keeps it when the card has passed: it comes back as last, and more can be
// seen from it later. rest is up to where the end of the card was written once
// more; b is memory for that.
func Run(ctx context.Context, card *device.Device, c Claim, memory, b []byte) (last []byte, rest int64, err error) {
	cut := func() []byte {
		b := memory[:block:block]
		memory = memory[block:]
		return b
	}
	p := &probe{Claim: c, card: card, page: cut(), got: cut()}
	copy(p.page, c.First)
	rest = c.Size / block * block
	if err = p.mark(cut); err == nil {
		err = p.judge()
	}
	if err == nil && c.Image > 0 {
		if rest, _, err = Forget(ctx, card, c.Image, rest, Enough, b); err == nil {
			err = p.judge()
		}
	}
	return p.last, rest, p.restore(err)
}

// mark writes the marks.
func (p *probe) mark(cut func() []byte) error {
	began := time.Now()
	for _, at := range placesOn(p.Size, p.Image) {
		if time.Since(began) > haste && !at.must {
			continue
		}
		at.was, at.want = cut(), cut()
		fillRandom(at.want)
		if err := p.try("read", p.card.Read, at.was, at.off); err != nil {
			return err
		}
		if p.Was != nil {
			p.Was(at.was)
		}
		p.marked = append(p.marked, at)
		if err := p.try("write", p.card.Write, at.want, at.off); err != nil {
			return err
		}
	}
	fillRandom(p.page[block/2:]) // what makes a card boot stays zero, and it says that it is unfinished
	if err := p.card.WriteNow(p.page, 0); err != nil {
		return p.card.Fault("write", 0, err)
	}
	return nil
}

// restore puts back what was there, whatever has failed before, and makes
// sure of it: some of it may have been found right and skipped.
func (p *probe) restore(failed error) error {
	copy(p.page, p.First)
	if err := p.card.Write(p.page, 0); err != nil && failed == nil {
		failed = p.card.Fault("write", 0, err)
	}
	if last := p.Image - block; failed == nil && last > 0 {
		p.marked = slices.DeleteFunc(p.marked, func(at place) bool {
			if at.off == last {
				p.last = bytes.Clone(at.want)
			}
			return at.off == last
		})
	}
	for _, at := range slices.Backward(p.marked) {
		if err := p.card.Write(at.was, at.off); err != nil && failed == nil {
			failed = p.card.Fault("write", at.off, err)
		}
	}
	if err := p.card.Sync(); err != nil && failed == nil {
		failed = p.card.Fault("finish writing", -1, err)
	}
	for _, at := range p.marked {
		if failed != nil {
			break
		}
		if failed = p.try("verify", p.card.Read, p.got, at.off); failed == nil && !bytes.Equal(p.got, at.was) {
			failed = p.card.Mismatch(at.off + int64(device.Differs(p.got, at.was)))
		}
	}
	return failed
}

func (p *probe) try(op string, do func([]byte, int64) error, b []byte, off int64) error {
	if err := do(b, off); err != nil {
		return p.card.Fault(op, off, err)
	}
	return nil
}

// placesOn lists the blocks to mark, the last one first.
func placesOn(size, image int64) []place {
	at := map[int64]bool{} // whether it must be
	for i := int64(1); i < 16; i++ {
		at[size*i/16] = i&(i-1) == 0
	}
	for p := int64(1 << 40); p > size/128 && p >= 1<<20; p /= 2 {
		at[p] = true
	}
	at[size/32], at[size/64], at[size-block], at[image-block] = true, true, true, true
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

// judge reads the marks back. One bad mark is a bad block; a card of which the
// end is missing, or on which a place has the mark of another, is a fake.
func (p *probe) judge() error {
	var lowest *place
	var where int
	fake := false
	for i := range p.marked {
		at := &p.marked[i]
		if err := p.try("read", p.card.Read, p.got, at.off); err != nil {
			return err
		}
		if bytes.Equal(p.got, at.want) {
			continue
		}
		lowest, where = at, device.Differs(p.got, at.want)
		fake = fake || i == 0 || bytes.Equal(p.got, p.page) || slices.ContainsFunc(p.marked, func(o place) bool { return bytes.Equal(p.got, o.want) })
	}
	switch {
	case lowest == nil:
		return nil
	case fake:
		return p.fake(lowest.off)
	}
	return p.card.Mismatch(lowest.off + int64(where))
}

// fake is a card that holds less than it says.
func (p *probe) fake(off int64) error {
	what := fmt.Sprintf("The card is smaller than it claims: it reports %s, but keeps nothing from %s on", disk.Human(p.Size), disk.Human(off))
	return &device.Error{What: what, Op: "test its size", Offset: off, Partition: p.card.Place(off), Todo: []string{
		"This is how counterfeit cards behave: give it back and use another one. What was on it is unchanged.",
	}}
}
