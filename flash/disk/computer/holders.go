package computer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk/facts"
)

// Kind is what a Holder makes of the disks below it.
type Kind string

// The kinds that are told apart.
const (
	Crypt     Kind = "encryption"
	LVM       Kind = "lvm"
	RAID      Kind = "raid"
	Multipath Kind = "multipath"
	Bcache    Kind = "bcache"
	ZFS       Kind = "zfs"
	Btrfs     Kind = "btrfs" // of several devices
	Bcachefs  Kind = "bcachefs"
	File      Kind = "file" // a file on the disk serves as a disk
	Stacked   Kind = "other"
	Elsewhere Kind = "elsewhere" // its own file system is open, in no folder that this process sees
)

// Holder is something that is made of a disk or partition.
type Holder struct {
	Name   string // dm-0, md127, loop3, or that of a pool
	Kind   Kind
	Mounts []string
	Swap   bool
}

// Holders is everything stacked on a device, lowest first.
func (c *Computer) Holders(name string) []Holder {
	out := c.stacked(name, map[string]bool{})
	switch {
	case len(out) > 0:
	case facts.Children(c.dirs[name], "bcache") != nil:
		out = append(out, Holder{Name: name, Kind: Bcache}) // registered, and nothing is made of it yet
	case c.open[name] && len(c.mounts[name]) == 0:
		out = append(out, Holder{Name: name, Kind: Elsewhere})
	}
	return out
}

func (c *Computer) stacked(name string, seen map[string]bool) []Holder {
	var out []Holder
	for _, h := range append(facts.Children(c.dirs[name], "holders"), c.files[name]...) {
		if seen[h] {
			continue
		}
		seen[h] = true
		holder := Holder{Name: h, Kind: c.kind(h), Mounts: c.mounts[h], Swap: c.swaps[h]}
		above := c.stacked(h, seen)
		for _, p := range c.parts[h] {
			holder.Mounts = slices.Concat(holder.Mounts, c.mounts[p])
			holder.Swap = holder.Swap || c.swaps[p]
			above = append(above, c.stacked(p, seen)...)
		}
		out = append(append(out, holder), above...)
	}
	for _, p := range c.pools {
		if slices.Contains(p.members, name) && (len(p.members) > 1 || p.kind == ZFS) {
			out = append(out, Holder{Name: p.name, Kind: p.kind, Mounts: c.mounts[name]})
		}
	}
	return out
}

func (c *Computer) kind(name string) Kind {
	uuid := facts.Text(c.dirs[name], "dm/uuid")
	switch {
	case strings.HasPrefix(uuid, "CRYPT-"):
		return Crypt
	case strings.HasPrefix(uuid, "LVM-"):
		return LVM
	case strings.Contains(uuid, "mpath-"): // also part1-mpath-
		return Multipath
	case strings.HasPrefix(name, "md"):
		return RAID
	case strings.HasPrefix(name, "bcache"):
		return Bcache
	case strings.HasPrefix(name, "loop"), strings.HasPrefix(name, "zram"):
		return File
	}
	return Stacked
}

// findOpen finds the file systems that the kernel says are open, in whatever
// container or forgotten folder; not every kind has a folder in sysfs. btrfs
// and bcachefs tell their devices there, which the mount table does not.
func (c *Computer) findOpen() {
	for _, kind := range []string{"ext4", "xfs", "f2fs"} {
		for _, name := range facts.Children(c.root, "sys/fs", kind) {
			c.open[name] = true
		}
	}
	for _, id := range facts.Children(c.root, "sys/fs/btrfs") {
		c.openPool(Btrfs, id, facts.Children(c.root, "sys/fs/btrfs", id, "devices"))
	}
	for _, id := range facts.Children(c.root, "sys/fs/bcachefs") {
		var members []string
		for _, dev := range facts.Children(c.root, "sys/fs/bcachefs", id) {
			if link, err := os.Readlink(filepath.Join(c.root, "sys/fs/bcachefs", id, dev, "block")); err == nil {
				members = append(members, filepath.Base(link))
			}
		}
		c.openPool(Bcachefs, id, members)
	}
}

// openPool keeps the members that are devices of this computer.
func (c *Computer) openPool(kind Kind, id string, members []string) {
	members = slices.DeleteFunc(members, func(n string) bool { return c.dirs[n] == "" })
	for _, n := range members {
		c.open[n] = true
	}
	if members != nil {
		c.pools = append(c.pools, pool{kind, id, members})
	}
}

// findZFS finds the members of open pools: there are only the names of the
// pools, and what udev read from the disks.
func (c *Computer) findZFS() {
	open := c.openZFS()
	for name, dir := range c.dirs {
		if len(open) == 0 {
			break
		}
		u := facts.Udev(c.root, facts.Text(dir, "dev"))
		if l := facts.Label(u); u["ID_FS_TYPE"] == "zfs_member" && (l == "" || slices.Contains(open, l)) {
			c.pools = append(c.pools, pool{ZFS, l, []string{name}})
		}
	}
}

// openZFS is the names of the ZFS pools that this computer has open.
func (c *Computer) openZFS() []string {
	var open []string
	for _, m := range c.table {
		if m.Kind == "zfs" {
			open = append(open, poolOf(m.Source))
		}
	}
	for _, name := range facts.Children(c.root, "proc/spl/kstat/zfs") {
		if st, err := os.Stat(filepath.Join(c.root, "proc/spl/kstat/zfs", name)); err == nil && st.IsDir() {
			open = append(open, name)
		}
	}
	return open
}

func poolOf(dataset string) string {
	pool, _, _ := strings.Cut(dataset, "/")
	return pool
}

func deviceNumbers(rdev uint64) string {
	return fmt.Sprintf("%d:%d", unix.Major(rdev), unix.Minor(rdev))
}
