package flash

import (
	"context"
	"slices"

	"piwiz/flash/device"
	"piwiz/flash/source"
)

// margin is how much is wiped behind the image and at the end of the card, in
// bytes. What libblkid looks for from the end of a disk is in the last 768 KiB
// (libblkid/src/superblocks: the labels 2 and 3 of ZFS; md, DDF, nilfs2, the
// RAIDs of BIOSes, DRBD and the backup GPT are nearer to it).
const margin = 1 << 20

// mirrors are where btrfs has copies of its superblock on a whole disk.
var mirrors = []int64{64 << 20, 256 << 30}

// wipe makes what is outside the image be nothing that is recognised: an
// array, a pool or a partition table of an earlier life makes the whole card a
// part of it, for the next who looks. It comes back with whether nothing of it
// can have shared a place with a block that was found equal.
func (w *writer) wipe(ctx context.Context) (apart bool, err error) {
	end := w.job.CardSize // it may end within a block
	apart = true
	at := w.size
	clean := func(from, to int64) error {
		for from = max(from, at); from < min(to, end); from = at {
			at = min(from+chunkSize, to, end)
			known, err := w.clean(from, w.extra[:at-from])
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
	err = clean(w.size, w.size+margin)
	for _, m := range mirrors {
		if err == nil && m+block <= end {
			err = clean(m, m+block)
		}
	}
	if err == nil {
		err = clean((end-margin)/block*block, end)
	}
	return apart, err
}

// clean makes a part of the card zero, if it is not, and tells whether some
// block of it was like one of the image. A bad block there is no matter: what
// cannot be read is not recognised.
func (w *writer) clean(off int64, b []byte) (known bool, err error) {
	if err := w.card.Read(b, off); err != nil {
		if device.Gone(err) || w.card.Silent() {
			return false, w.card.Fault("read", off, err)
		}
		return false, nil
	}
	if source.IsZero(b) {
		return false, nil
	}
	for one := range slices.Chunk(b, block) {
		known = known || w.seen.Has(one)
	}
	clear(b)
	if err := w.card.Write(b, off); err != nil {
		return false, w.card.Fault("write", off, err)
	}
	return known, nil
}
