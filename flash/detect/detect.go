// Package detect lists the disks of this computer and tells when they change.
// The list is ghw's; what ghw gets wrong (card slots without the removable
// flag, eMMC taken for a card, mounts of a whole disk, what is stacked on a
// disk, write protection) is corrected by package disk. It is the only
// importer of ghw.
package detect

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/jaypipes/ghw"

	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
)

// List lists the whole disks of the computer at root ("/"; a test gives a
// folder), those that may be written first, cards in a built-in slot before
// those in a reader, then what is hardly a card; small before large. What the
// system made up, such as loop devices, comes last, if it is in use at all.
func List(ctx context.Context, root string) ([]disk.Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// ghw takes a missing /sys for a computer without disks.
	if _, err := os.Stat(filepath.Join(root, "sys/block")); err != nil {
		return nil, fmt.Errorf("list the disks of this computer (is /sys mounted?): %w", err)
	}
	info, err := ghw.Block(ghw.WithChroot(root), ghw.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("list the disks of this computer: %w", err)
	}
	var names []string
	for _, found := range info.Disks {
		names = append(names, found.Name)
	}
	all, err := disk.ReadAll(root, names)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d disk.Device) bool { return d.Bus == bus.Virtual && d.Size == 0 })
	for i := range all {
		all[i].Unfinished, all[i].Traces = unfinished(root, all[i]), traces(root, all[i])
	}
	slices.SortStableFunc(all, func(a, b disk.Device) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

func rank(d disk.Device) int {
	switch {
	case d.Bus == bus.Virtual:
		return 4
	case d.Refusal() != "":
		return 3
	case d.Doubt() != "":
		return 2
	case d.Bus == bus.SD:
		return 0
	}
	return 1
}
