// Package wipe makes what is on a card outside its image be nothing that is
// recognised: an array, a pool or a partition table of an earlier life makes the
// whole card a part of it, for the next who looks.
package wipe

import (
	"cmp"
	"context"
	"slices"

	"piwiz/flash/device"
	"piwiz/flash/image"
	"piwiz/flash/source"
)

// Margin is how much is wiped behind the image and at the end of the card, in
// bytes. What libblkid looks for from the end of a disk is in the last 768 KiB
// (libblkid/src/superblocks: the labels 2 and 3 of ZFS; md, DDF, nilfs2, the
// RAIDs of BIOSes, DRBD and the backup GPT are nearer to it).
const Margin = 1 << 20

// mirrors are where btrfs has copies of its superblock, from where it begins on.
var mirrors = []int64{64 << 20, 256 << 30}

// span is a part of the card, in bytes.
type span struct{ start, end int64 }

// Outside wipes a card behind its image, up to its end, which may be within a block;
// both are bytes. The requests are as long as buf. The card may have been a whole, and
// so may each partition of table that goes on behind the image. It comes back with whether
// nothing of it was like a block that the image has: then none of it can have shared a
// place with a block that was found equal.
func Outside(ctx context.Context, card *device.Device, size, end int64, table image.MBR, buf []byte, has func(block []byte) bool) (apart bool, err error) {
	apart = true
	at := size
	for _, r := range places(size, end, table) {
		for from := max(r.start, at); from < r.end; from = at {
			at = min(from+int64(len(buf)), r.end)
			known, err := clean(card, from, buf[:at-from], has)
			if err != nil {
				return false, err
			}
			apart = apart && !known
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
		}
	}
	return apart, nil
}

// places are what is wiped, in the order in which it is on the card; they may
// overlap.
func places(size, end int64, table image.MBR) []span {
	out, wholes := []span{{size, min(size+Margin, end)}}, []span{{0, end}}
	for _, p := range table.Partitions {
		if p.Start+p.Size > size {
			wholes = append(wholes, span{p.Start, p.Start + p.Size})
		}
	}
	for _, r := range wholes {
		for _, m := range mirrors {
			if at := blocks(r.start+m, r.start+m+device.Block); at.end <= end {
				out = append(out, at)
			}
		}
		at := blocks(r.end-Margin, r.end)
		out = append(out, span{at.start, min(at.end, end)})
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	return out
}

// blocks are those in which something is.
func blocks(from, to int64) span {
	return span{max(from, 0) / device.Block * device.Block, (to + device.Block - 1) / device.Block * device.Block}
}

// clean makes a part of the card zero, if it is not, and tells whether some
// block of it was like one of the image. A bad block there is no matter: what
// cannot be read is not recognised.
func clean(card *device.Device, off int64, b []byte, has func(block []byte) bool) (known bool, err error) {
	if err := card.Read(b, off); err != nil {
		if device.Gone(err) || card.Silent() {
			return false, card.Fault("read", off, err)
		}
		return false, nil
	}
	if source.IsZero(b) {
		return false, nil
	}
	for one := range slices.Chunk(b, device.Block) {
		known = known || has(one)
	}
	clear(b)
	if err := card.Write(b, off); err != nil {
		return false, card.Fault("write", off, err)
	}
	return known, nil
}
