package disk

import (
	"fmt"
	"strings"
)

// large is the size above which a disk is hardly a card for a Pi, in bytes.
const large = 256e9

// Refusal is why a disk must not be written, one sentence; "" when it may.
func (d Device) Refusal() string {
	switch {
	case d.Bus == Optical:
		return "This is a CD or DVD drive."
	case d.Bus == Virtual:
		return "This is no real disk, but one that the system made up."
	case strings.HasPrefix(d.Name, "mmcblk") && strings.Contains(d.Name, "boot"):
		return "This is the start-up area of the memory that is built into this computer."
	case d.Bus == EMMC:
		return "This memory is built into this computer, not a card."
	case d.Size == 0:
		return "There is no card in this slot."
	}
	if why := d.inUse(); why != "" {
		return why
	}
	switch {
	case d.ReadOnly:
		return "The card is locked: move the small switch on its side, then put it in again."
	case d.Bus != USB && d.Bus != SD && !d.Removable:
		return "This is a disk inside this computer."
	}
	return ""
}

// inUse is about everything that runs on the disk: file systems of this
// system, swap, and stacks such as encryption, LVM or RAID on top.
func (d Device) inUse() string {
	all := append([]Partition{{Name: d.Name, Mounts: d.Mounts, Holders: d.Holders, Swap: d.Swap}}, d.Partitions...)
	for _, p := range all {
		switch {
		case p.Swap:
			return "This computer uses it as swap memory."
		case len(p.Holders) > 0:
			return fmt.Sprintf("It is in use by %s (encryption, LVM or RAID).", p.Holders[0])
		}
		for _, m := range p.Mounts {
			if system(m) {
				return fmt.Sprintf("This computer runs from it (%s).", m)
			}
		}
	}
	return ""
}

// system tells mount points of the running system from those of a medium that
// somebody plugged in.
func system(mount string) bool {
	for _, free := range []string{"/media/", "/run/media/", "/mnt/"} {
		if strings.HasPrefix(mount+"/", free) && mount != "/" {
			return false
		}
	}
	return true
}

// Unmounts lists the mount points that must go before the disk is written.
func (d Device) Unmounts() []string {
	out := append([]string(nil), d.Mounts...)
	for _, p := range d.Partitions {
		out = append(out, p.Mounts...)
	}
	return out
}

// Warnings are sentences to read before a disk is chosen.
func (d Device) Warnings() []string {
	var out []string
	if d.Size > large {
		out = append(out, "This is large for a card: is it really not a disk with your files?")
	}
	if m := d.Unmounts(); len(m) > 0 {
		out = append(out, "It is open now at "+strings.Join(m, ", ")+" and will be closed.")
	}
	return out
}

// Contents says in one line what is on the disk.
func (d Device) Contents() string {
	var parts []string
	for _, p := range d.Partitions {
		parts = append(parts, describe(p.Label, p.FSType, p.Size))
	}
	if len(parts) == 0 && d.FSType != "" {
		parts = append(parts, describe(d.Label, d.FSType, d.Size))
	}
	if len(parts) == 0 {
		return "no partitions known"
	}
	return strings.Join(parts, ", ")
}

func describe(label, kind string, size int64) string {
	if label == "" {
		label = "unnamed"
	}
	if kind == "" {
		kind = "unknown"
	}
	return fmt.Sprintf("%s (%s, %s)", label, kind, Human(size))
}

// Human writes a size in bytes with units of 1024: 29.7 GiB.
func Human(bytes int64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1024, 0
	for value >= 1024 && unit < 4 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, []string{"KiB", "MiB", "GiB", "TiB", "PiB"}[unit])
}
