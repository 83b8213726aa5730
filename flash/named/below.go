package named

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"piwiz/flash/disk/facts"
)

// below is the whole disks that something is on, itself if it is one.
func (f finder) below(name string) []string {
	if of := f.parent(name); of != "" {
		name = of
	}
	lower := facts.Children(f.root, "sys/block", name, "slaves")
	if m := area.FindStringSubmatch(name); m != nil {
		lower = m[1:2]
	}
	if len(lower) == 0 {
		return []string{name}
	}
	var out []string
	for _, n := range lower {
		out = append(out, f.below(n)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var area = regexp.MustCompile(`^(mmcblk\d+)(?:boot|gp)\d+$`)

// madeUp is what a block device is that is no disk; "" for a disk.
func (f finder) madeUp(name string) string {
	dir := filepath.Join(f.root, "sys/block", name)
	if area.MatchString(name) {
		return "a small part of the built-in memory"
	}
	switch strings.TrimRight(name, "0123456789") {
	case "dm-":
		return mapped(facts.Text(dir, "dm/uuid")) + " (" + facts.Clean(facts.Text(dir, "dm/name")) + ")"
	case "md", "md_d":
		return "a RAID of several disks"
	case "loop":
		if file := facts.Clean(facts.Text(dir, "loop/backing_file")); file != "" {
			return "the file " + file + " in use as a disk"
		}
		return "a loop device, which shows a file as a disk"
	case "zram":
		return "compressed memory of this computer"
	case "ram", "pmem":
		return "memory of this computer"
	case "nbd":
		return "a file of another computer in use as a disk (NBD)"
	case "drbd":
		return "a disk that two computers share (DRBD)"
	case "bcache":
		return "a disk with a faster one in front of it (bcache)"
	case "zd":
		return "a volume of a ZFS pool"
	}
	return ""
}

// mapped is what the device mapper made, by the beginning of its UUID, which
// says whose it is.
func mapped(uuid string) string {
	switch {
	case strings.HasPrefix(uuid, "CRYPT-"):
		return "the unlocked contents of an encrypted disk"
	case strings.HasPrefix(uuid, "LVM-"):
		return "a logical volume of LVM"
	case strings.Contains(uuid, "mpath-"):
		return "a disk reached over several cables (multipath)"
	}
	return "made by the device mapper"
}
