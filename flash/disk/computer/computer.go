// Package computer follows what one computer runs on its block devices, to
// whatever height it is stacked: file systems, swap, encryption, arrays and pools,
// and what it was started from. It says what is so, and judges nothing but how
// much the computer needs a mount point.
package computer

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/facts"
)

// Computer is what runs on which block device of one computer, by their names
// below /sys/block. It is gathered once for all disks.
type Computer struct {
	root   string
	dirs   map[string]string   // folder in sysfs, of disks and partitions
	partOf map[string]string   // disk of a partition
	parts  map[string][]string // partitions of a disk
	names  map[string]string   // by device number
	table  []facts.Mount
	needs  map[int][]string    // devices that a line of the table needs
	mounts map[string][]string // mount points of what is on a device, in the order they were mounted
	swaps  map[string]bool
	open   map[string]bool     // the kernel has a file system open, perhaps where this process cannot see it
	files  map[string][]string // devices made of a file on a device: loop0
	pools  []pool
	loader map[string]bool // partitions that the computer was started from; true for a guess
}

// pool is one file system of several devices that is open.
type pool struct {
	kind    Kind
	name    string
	members []string
}

// open says whether a line of the table is this pool, or may be, given the
// devices that the line names.
func (p pool) open(m facts.Mount, named []string) bool {
	switch {
	case string(p.kind) != m.Kind:
		return false
	case p.kind == ZFS:
		return p.name == "" || p.name == poolOf(m.Source)
	}
	return len(named) == 0 || slices.ContainsFunc(named, func(n string) bool { return slices.Contains(p.members, n) })
}

// Read gathers it for the computer at root ("/"; a test gives a folder). It fails
// when it cannot be known what the computer itself runs from.
func Read(root string) (*Computer, error) {
	c := &Computer{
		root: root, dirs: map[string]string{}, partOf: map[string]string{}, parts: map[string][]string{},
		names: map[string]string{}, mounts: map[string][]string{}, swaps: map[string]bool{}, files: map[string][]string{}, needs: map[int][]string{}, open: map[string]bool{},
	}
	c.index()
	// Before the mount table: what is mounted in between is then in the table.
	c.findOpen()
	var err error
	if c.table, err = facts.Mounts(root); err != nil {
		return nil, err
	}
	swaps, err := facts.Swaps(root)
	if err != nil {
		return nil, err
	}
	c.findZFS()
	for i, m := range c.table {
		for _, name := range c.under(i) {
			c.mounts[name] = append(c.mounts[name], m.Point)
		}
	}
	for _, path := range swaps {
		for _, name := range c.below(path) {
			c.swaps[name] = true
		}
	}
	for name, dir := range c.dirs {
		// A loop device has the one, compressed memory may have the other.
		for _, f := range []string{"loop/backing_file", "backing_dev"} {
			for _, n := range c.below(facts.Text(dir, f)) {
				c.files[n] = append(c.files[n], name)
				slices.Sort(c.files[n])
			}
		}
	}
	c.loader = c.started()
	return c, nil
}

func (c *Computer) index() {
	for _, disk := range facts.Children(c.root, "sys/block") {
		dir := filepath.Join(c.root, "sys/block", disk)
		if facts.Text(dir, "dev") == "" {
			continue // one of several paths to an NVMe disk: nobody can open it
		}
		c.dirs[disk], c.names[facts.Text(dir, "dev")] = dir, disk
		for _, part := range facts.Children(dir) {
			d := filepath.Join(dir, part)
			// The name of a partition begins with that of its disk (kernel, block/partitions/core.c).
			if !strings.HasPrefix(part, disk) || facts.Text(d, "partition") == "" {
				continue
			}
			c.dirs[part], c.names[facts.Text(d, "dev")], c.partOf[part] = d, part, disk
			c.parts[disk] = append(c.parts[disk], part)
		}
		byNumber(c.parts[disk])
	}
}

// Dir is the folder in sysfs of a disk or partition; "" when there is none of
// that name.
func (c *Computer) Dir(name string) string { return c.dirs[name] }

// Disk is that of which a device is a partition; "" for one that is none.
func (c *Computer) Disk(name string) string { return c.partOf[name] }

// Partitions of a disk are sorted as people count them.
func (c *Computer) Partitions(disk string) []string { return c.parts[disk] }

// Mounts are where the file system on a device itself is open, in the order it
// was mounted.
func (c *Computer) Mounts(name string) []string { return c.mounts[name] }

// Swap tells whether a device is swap memory, or a file on it is.
func (c *Computer) Swap(name string) bool { return c.swaps[name] }

// Bus is how a disk is connected.
func (c *Computer) Bus(disk string) bus.Bus { return bus.Of(c.place(disk), c.dirs[disk], disk) }

// place is the path of a disk in the tree of devices: /devices/pci0000:00/...
func (c *Computer) place(name string) string {
	link, err := os.Readlink(c.dirs[name])
	if err != nil {
		return ""
	}
	return "/" + strings.TrimLeft(link, "./")
}

// under names the devices that a file system, a line of the table, needs. In
// a container a file system can seem to be on itself; then it needs nothing.
func (c *Computer) under(line int) []string {
	names, ok := c.needs[line]
	if ok {
		return names
	}
	c.needs[line] = nil
	m := c.table[line]
	if n, ok := c.names[m.Numbers]; ok {
		names = append(names, n)
	} else {
		for path := range strings.SplitSeq(m.Source, ":") { // bcachefs lists its devices so
			names = append(names, c.device(path)...)
		}
	}
	for option := range strings.SplitSeq(m.Options, ",") {
		_, value, _ := strings.Cut(option, "=")
		if m.Kind != "overlay" {
			names = append(names, c.device(value)...) // a journal elsewhere
			continue
		}
		for path := range strings.SplitSeq(value, ":") {
			names = append(names, c.below(path)...)
		}
	}
	named := slices.Clone(names)
	for _, p := range c.pools {
		if p.open(m, named) {
			names = append(names, p.members...)
		}
	}
	slices.Sort(names)
	c.needs[line] = slices.Compact(names)
	return c.needs[line]
}

// below names the devices that a path needs: the device it names, or those of
// the file system it is on.
func (c *Computer) below(path string) []string {
	if !strings.HasPrefix(path, "/") {
		return nil
	}
	if names := c.device(path); names != nil {
		return names
	}
	best := -1
	for i, m := range c.table {
		if facts.Within(path, m.Point) && (best < 0 || len(m.Point) >= len(c.table[best].Point)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return c.under(best)
}

// device is the name of a path such as /dev/mapper/root: by its number, or
// where a test has no devices, by the end of the link.
func (c *Computer) device(path string) []string {
	if !strings.HasPrefix(path, "/dev/") {
		return nil
	}
	path = filepath.Join(c.root, path)
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
		if n, ok := c.names[deviceNumbers(st.Rdev)]; ok {
			return []string{n}
		}
	}
	if target, err := os.Readlink(path); err == nil {
		path = target
	}
	if n := filepath.Base(path); c.dirs[n] != "" {
		return []string{n}
	}
	return nil
}

// byNumber sorts partitions as people count them: sda2 before sda10.
func byNumber(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}
