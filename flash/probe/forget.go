package probe

import (
	"context"

	"piwiz/flash/device"
)

// Enough is how much must be written until a card has forgotten what was
// written before, in bytes: those that remember anything keep 16 MiB at most.
const Enough = 17 << 20

// Forget writes what is between from and to once more, the end first, until
// it were so many bytes, and comes back with where it stopped and how many are
// wanting. It changes nothing. A bad block there is no matter.
func Forget(ctx context.Context, card *device.Device, from, to, bytes int64, b []byte) (at, wanting int64, err error) {
	for bytes > 0 && to > from {
		if ctx.Err() != nil {
			return to, bytes, ctx.Err()
		}
		part := b[:min(int64(len(b)), to-from)]
		to -= int64(len(part))
		op, err := "read", card.Read(part, to)
		if err == nil {
			op, err = "write", card.Write(part, to)
		}
		if err != nil {
			if device.Gone(err) || card.Silent() {
				return to, bytes, card.Fault(op, to, err)
			}
			continue
		}
		bytes -= int64(len(part))
	}
	return to, bytes, nil
}
