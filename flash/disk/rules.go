package disk

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/computer"
	"piwiz/flash/disk/facts"
	"piwiz/flash/disk/gadget"
)

const (
	// large is the size above which a disk is hardly a card for a Pi, in
	// bytes: some cards sold as 256 GB have a little more.
	large = 260e9
	// tiny is the size below which nothing boots, in bytes: a floppy disk.
	tiny = 16 << 20
)

// Refusal is why a disk must not be written, one sentence; "" when it may.
// Three kinds of reason come one after the other: what can be no card at all,
// what the computer runs on it, and what is hardly a card. Only the last kind
// yields to Any and Soldered.
func (d Device) Refusal() string {
	switch {
	case d.Bus == bus.Optical:
		return "This is a CD or DVD drive."
	case d.Bus == bus.Floppy:
		return "This is a floppy disk drive."
	case d.Bus == bus.Virtual:
		return "This is not a real disk, but a virtual one made by the system."
	case d.Size == 0 && (d.Removable || d.Bus == bus.USB || d.Bus == bus.SD):
		return "There is no card in this slot."
	}
	if why := d.inUse(); why != "" {
		return why
	}
	if d.Bus == bus.Network {
		return "This is a disk of a server, reached over a network: others may be using it."
	}
	if why := d.noCard(); why != "" && !d.Any && !(d.Bus == bus.EMMC && d.Soldered) {
		return why
	}
	switch {
	case area.MatchString(d.Name):
		return "This is a small part of the built-in memory with a special purpose."
	case d.ReadOnly && d.reader():
		return "The card is locked: move the small switch on its side, then put it in again."
	case d.ReadOnly:
		return "It is write-protected; if it has a small switch on its side, move that and plug it in again."
	case d.Size < tiny:
		return "It is too small for any operating system (" + Human(d.Size) + ")."
	case d.Sector > 512:
		return fmt.Sprintf("In this reader its sectors have %d bytes instead of 512, so it would not boot: use another card reader.", d.Sector)
	}
	return ""
}

// noCard is why a disk is no SD card, one sentence; "" when it may be one.
func (d Device) noCard() string {
	switch {
	case d.Bus == bus.EMMC:
		return "This memory is built into this computer, not a card."
	case d.Bus == bus.Machine:
		return "This is a disk of this virtual machine, not a card."
	case d.Gadget == gadget.Printer:
		return "This is the slot of a printer: put the card into a card reader."
	case d.Gadget == gadget.Remote || d.Gadget == gadget.EReader:
		return "This is " + string(d.Gadget) + ", not a card."
	case d.Gadget != "":
		return "This is " + string(d.Gadget) + ", not a card: if its card is meant, put that into a card reader."
	case d.Bus == bus.USB && !d.reader() && d.trace() != "":
		return d.trace()
	case d.Bus != bus.USB && d.Bus != bus.SD && !(d.Bus == bus.Other && d.reader()):
		return "This is a disk inside this computer."
	}
	return ""
}

// trace is what device it is by what is on it, one sentence; "" when that
// tells none. A card in a reader may have been in any device.
func (d Device) trace() string {
	if kind, says := gadget.Trace(d.Traces); kind != "" {
		return "This is " + string(kind) + ", not a card, judging by what is on it: " + says + "."
	}
	for _, label := range append([]string{d.Label}, labels(d.Partitions)...) {
		if kind := gadget.Label(label); kind != "" {
			return "This is " + string(kind) + ", not a card, judging by its name: " + label + "."
		}
	}
	return ""
}

func labels(parts []Partition) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.Label)
	}
	return out
}

// Named is the disk as one that was asked for by its name, whatever kind of
// disk it is; false when that makes no difference.
func (d Device) Named() (Device, bool) {
	d.Any = d.noCard() != ""
	return d, d.Any
}

// area is the name of what eMMC has beside its main memory: two small disks to
// start from, and those that its maker set aside (linux, drivers/mmc/core/block.c);
// mtdblock0 is the memory of a board's firmware.
var area = regexp.MustCompile(`^mmcblk\d+(boot|gp|rpmb)\d*$|^(mtd|ubi)block`)

// whole is a disk as one more partition: a file system can be on it directly.
func (d Device) whole() []Partition {
	return append([]Partition{{Name: d.Name, Mounts: d.Mounts, Holders: d.Holders, Swap: d.Swap}}, d.Partitions...)
}

// inUse is about everything that runs on the disk: file systems of this
// system, swap, and stacks such as encryption, LVM or RAID on top. What hurts
// most to lose is named first.
func (d Device) inUse() string {
	var mounts []string
	var holders []computer.Holder
	swap, loader, perhaps := false, false, false
	for _, p := range d.whole() {
		mounts = append(mounts, p.Mounts...)
		swap, loader, perhaps = swap || p.Swap, loader || p.Loader, perhaps || p.Perhaps
		for _, h := range p.Holders {
			mounts = append(mounts, h.Mounts...)
			swap = swap || h.Swap
			holders = append(holders, h)
		}
	}
	slices.SortStableFunc(mounts, func(a, b string) int { return cmp.Compare(computer.HarmOf(a), computer.HarmOf(b)) })
	switch {
	case len(mounts) > 0 && computer.HarmOf(mounts[0]) < computer.Plugged:
		return running(mounts[0])
	case loader:
		return "This computer starts from it."
	case perhaps:
		return "This computer may have started from it: mount the partition it started from at /boot/firmware, and piwiz can tell."
	case swap:
		return "This computer uses it as memory (swap)."
	case len(holders) > 0:
		return held(holders[0])
	case len(d.Covers) > 0:
		return fmt.Sprintf("Something else is mounted over or in its files, at %s: unmount that first.", facts.Clean(d.Covers[0]))
	}
	return ""
}

func running(mount string) string {
	switch computer.HarmOf(mount) {
	case computer.Root:
		return "This computer runs from it."
	case computer.Start:
		return fmt.Sprintf("This computer starts from it (%s).", facts.Clean(mount))
	}
	if facts.Within(mount, "/tmp") || facts.Within(mount, "/root") || facts.Within(mount, "/home") && strings.Count(mount, "/") > 2 {
		// Where people open a card by hand.
		return fmt.Sprintf("It is open at %s: if it is your card, unmount that first.", facts.Clean(mount))
	}
	return fmt.Sprintf("This computer keeps files of its own on it (%s).", facts.Clean(mount))
}

func held(h computer.Holder) string {
	name := facts.Clean(h.Name)
	switch h.Kind {
	case computer.Crypt:
		return "The encrypted files on it are open: close them in your file manager first."
	case computer.LVM:
		return "It is part of a group of disks (LVM) that this computer has open."
	case computer.RAID:
		return fmt.Sprintf("It is part of a RAID of several disks (%s).", name)
	case computer.Multipath:
		return "It is a disk that this computer reaches over several cables (multipath)."
	case computer.Bcache:
		return "It is a cache for another disk of this computer, or has one (bcache)."
	case computer.ZFS:
		if name == "" {
			return "It is part of a ZFS pool, and this computer has one open."
		}
		return fmt.Sprintf("It is part of the ZFS pool %s, which this computer has open.", name)
	case computer.Btrfs, computer.Bcachefs:
		return fmt.Sprintf("It is one of several disks whose files belong together (%s).", h.Kind)
	case computer.Elsewhere:
		return "Its files are in use, by this computer itself or in a container."
	case computer.File:
		return fmt.Sprintf("A file on it is in use as a disk of its own (%s): close that first.", name)
	}
	return fmt.Sprintf("It is in use by another part of this computer (%s).", name)
}

// Unmounts lists the mount points that must go before the disk is written,
// the last one first: /mnt, then /mnt/boot, whichever partition has them.
func (d Device) Unmounts() []string {
	var out []string
	for _, p := range d.whole() {
		out = append(out, p.Mounts...)
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	return out
}
