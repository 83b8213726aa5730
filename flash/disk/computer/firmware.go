package computer

import (
	"slices"
	"strings"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/facts"
)

// Loader tells whether this computer was started from a partition, even if that is
// not open now; perhaps when that is a guess.
func (c *Computer) Loader(partition string) (loader, perhaps bool) {
	guess, found := c.loader[partition]
	return found && !guess, guess
}

// started finds the partitions that this computer was started from though
// nothing of them may be open; true for those where that is a guess.
//
// A Raspberry Pi tells of a kind of disk and the number of a partition. If one
// such disk has the running system or its /boot on it, it is the one; if none
// has, it may be each. Where the firmware tells nothing, a card in the slot
// counts that has a firmware partition by its name, unless the disk of the
// system has one too: the slot comes first in the usual order.
func (c *Computer) started() map[string]bool {
	found := map[string]bool{}
	loaders := facts.Loaders(c.root)
	for name := range c.partOf {
		if id := facts.Udev(c.root, facts.Text(c.dirs[name], "dev"))["ID_PART_ENTRY_UUID"]; id != "" && slices.Contains(loaders, strings.ToLower(id)) {
			found[name] = false
		}
	}
	pi, ok := facts.PiBoot(c.root)
	if !ok {
		return found
	}
	var may []string
	disks := map[string]bool{}
	for name := range c.partOf {
		if c.firmware(pi, name) {
			may = append(may, name)
			disks[c.partOf[name]] = c.runs(c.partOf[name])
		}
	}
	known := slices.ContainsFunc(may, func(n string) bool { return disks[c.partOf[n]] })
	for _, n := range may {
		switch {
		case known:
			if disks[c.partOf[n]] {
				found[n] = false
			}
		case pi.Told || slices.Contains([]bus.Bus{bus.SD, bus.EMMC}, c.Bus(c.partOf[n])):
			found[n] = !pi.Told || len(disks) > 1
		}
	}
	return found
}

// firmware tells a partition that the firmware of a Pi may have been read from.
func (c *Computer) firmware(pi facts.Pi, name string) bool {
	u := facts.Udev(c.root, facts.Text(c.dirs[name], "dev"))
	kind := u["ID_FS_TYPE"]
	if kind != "" && kind != "vfat" {
		return false
	}
	if !pi.Told {
		return kind != "" && slices.Contains([]string{"firmware", "bootfs", "boot", "system-boot"}, strings.ToLower(facts.Label(u)))
	}
	number := facts.Number(c.dirs[name], "partition")
	if pi.Partition != 0 && number != int64(pi.Partition) || pi.Partition == 0 && kind == "" && number != 1 {
		return false
	}
	switch on := c.Bus(c.partOf[name]); pi.Mode {
	case 0, 1:
		return on == bus.SD || on == bus.EMMC
	case 4, 5:
		return on == bus.USB
	case 6:
		return on == bus.NVMe
	}
	return false
}

// runs tells whether the running system or its /boot is on a disk.
func (c *Computer) runs(disk string) bool {
	var mounts []string
	for _, n := range append([]string{disk}, c.parts[disk]...) {
		mounts = append(mounts, c.mounts[n]...)
		for _, h := range c.Holders(n) {
			mounts = append(mounts, h.Mounts...)
		}
	}
	return slices.ContainsFunc(mounts, func(m string) bool { return HarmOf(m) <= Start })
}
