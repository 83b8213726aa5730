// Package wipe makes what is on a card outside its image be nothing that is
// recognised: an array, a pool or a partition table of an earlier life makes the
// whole card a part of it, for the next who looks.
package wipe

import (
	"context"
	"slices"

	"piwiz/flash/device"
	"piwiz/flash/source"
)

// Margin is how much is wiped behind the image and at the end of the card, in
// bytes. What libblkid looks for from the end of a disk is in the last 768 KiB
// (libblkid/src/superblocks: the labels 2 and 3 of ZFS; md, DDF, nilfs2, the
// RAIDs of BIOSes, DRBD and the backup GPT are nearer to it).
const Margin = 1 << 20

// mirrors are where btrfs has copies of its superblock on a whole disk.
var mirrors = []int64{64 << 20, 256 << 30}

// Outside wipes a card behind its image, up to its end, which may be within a block;
// both are bytes. The requests are as long as buf. It comes back with whether nothing
// of it was like a block that the image has: then none of it can have shared a place
// with a block that was found equal.
func Outside(ctx context.Context, card *device.Device, image, end int64, buf []byte, has func(block []byte) bool) (apart bool, err error) {
	apart = true
	at := image
	between := func(from, to int64) error {
		for from = max(from, at); from < min(to, end); from = at {
			at = min(from+int64(len(buf)), to, end)
			known, err := clean(card, from, buf[:at-from], has)
			if err != nil {
				return err
			}
			apart = apart && !known
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	}
	err = between(image, image+Margin)
	for _, m := range mirrors {
		if err == nil && m+device.Block <= end {
			err = between(m, m+device.Block)
		}
	}
	if err == nil {
		err = between((end-Margin)/device.Block*device.Block, end)
	}
	return apart, err
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
