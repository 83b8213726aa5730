// Package detect lists the disks of this computer. The list is ghw's; what
// ghw gets wrong (card slots without the removable flag, eMMC taken for a
// card, mounts of a whole disk, write protection) is put right by package
// disk. It is the only importer of ghw.
package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/jaypipes/ghw"

	"piwiz/flash/disk"
)

// List lists the whole disks of the computer at root ("/"; a test gives a
// folder), those that may be written first, cards before sticks, small before
// large.
func List(ctx context.Context, root string) ([]disk.Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := ghw.Block(ghw.WithChroot(root), ghw.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("list the disks of this computer: %w", err)
	}
	var out []disk.Device
	for _, found := range info.Disks {
		d, err := disk.Read(root, found.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pulled between the two looks
		}
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b disk.Device) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func rank(d disk.Device) int {
	switch {
	case d.Refusal() != "":
		return 3
	case d.Bus == disk.SD:
		return 0
	case d.Removable:
		return 1
	}
	return 2
}
