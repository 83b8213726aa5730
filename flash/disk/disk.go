// Package disk knows what may be written and why not. It has the facts about a
// disk and what the computer runs on it (package computer), and judges them by
// plain rules.
// The privileged half uses it too, so it needs little more than the standard
// library.
package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/computer"
	"piwiz/flash/disk/facts"
	"piwiz/flash/disk/gadget"
)

// Partition is one partition of a disk; sizes are bytes.
type Partition struct {
	Name, Label, FSType string
	Size                int64
	Mounts              []string          // where its own file system is open
	Holders             []computer.Holder // what is stacked on it, at any height, lowest first
	Swap                bool              // it is, or a file on it is, swap memory
	Loader              bool              // this computer was started from it, even if it is not open now
	Perhaps             bool              // it may have been
}

// Device is one whole disk and what is known about it; sizes are bytes. All
// texts but mount points can be shown: they hold no control characters.
type Device struct {
	Name, Path            string // sdb, /dev/sdb
	Size                  int64
	Sector                int64  // the smallest unit it can be read in; 0 when it tells none
	Vendor, Model, Serial string // Serial is the CID for a card in a built-in slot
	Bus                   bus.Bus
	Removable, ReadOnly   bool
	Gadget                gadget.Kind // what it is besides a disk; "" for nothing
	Traces                []string    // names in its uppermost folders, where those can be seen
	Soldered              bool        // memory that is soldered in was asked for: it may be written too
	Any                   bool        // it was asked for by its name: it may be written though it is hardly a card
	Unfinished            bool        // a run of piwiz ended half-way; false when that could not be read
	DiskSeq               uint64      // the kernel's number of this medium; 0 when it tells none
	Major, Minor          uint32
	Mounts                []string // of a file system without partition table
	Covers                []string // where other file systems are mounted over its own or in them, the last one first
	Holders               []computer.Holder
	Swap                  bool
	Label, FSType         string
	Partitions            []Partition // by number
}

// Read gathers the facts about one disk of the computer at root ("/"; a test
// gives a folder). fs.ErrNotExist means that there is no such disk. It fails
// when it cannot be known what the computer itself runs from.
func Read(root, name string) (Device, error) {
	c, err := computer.Read(root)
	if err != nil {
		return Device{}, err
	}
	return read(c, root, name)
}

// ReadAll is Read for many disks at the price of one. Disks that have gone,
// or have no device number, are skipped.
func ReadAll(root string, names []string) ([]Device, error) {
	c, err := computer.Read(root)
	if err != nil {
		return nil, err
	}
	var all []Device
	for _, name := range names {
		d, err := read(c, root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func read(c *computer.Computer, root, name string) (Device, error) {
	sys := c.Dir(name)
	if sys == "" || c.Disk(name) != "" {
		return Device{}, fmt.Errorf("check the disk %q: %w", name, fs.ErrNotExist)
	}
	numbers := facts.Text(sys, "dev")
	if numbers == "" { // it went since it was found
		return Device{}, fmt.Errorf("check the disk %q: %w", name, fs.ErrNotExist)
	}
	// In sysfs a slash in a name is written as an exclamation mark.
	d := Device{Name: name, Path: "/dev/" + strings.ReplaceAll(name, "!", "/")}
	var err error
	if d.Major, d.Minor, err = parseNumbers(numbers); err != nil {
		return Device{}, fmt.Errorf("check %s: %w", d.Path, err)
	}
	d.Size = facts.Bytes(sys, "size")
	d.Removable = facts.Number(sys, "removable") == 1
	d.ReadOnly = facts.Number(sys, "ro") == 1
	d.DiskSeq = uint64(facts.Number(sys, "diskseq"))
	d.Sector = facts.Number(sys, "queue/logical_block_size")
	d.Bus = c.Bus(name)
	u := facts.Udev(root, numbers)
	d.Vendor = facts.Clean(facts.Text(sys, "device/vendor"))
	d.Model = facts.Clean(cmp.Or(facts.Text(sys, "device/model"), facts.Text(sys, "device/name"), strings.ReplaceAll(u["ID_MODEL"], "_", " ")))
	d.Serial = facts.Clean(serial(sys))
	d.Label, d.FSType = facts.Label(u), facts.Clean(u["ID_FS_TYPE"])
	d.Mounts, d.Swap, d.Holders = c.Mounts(name), c.Swap(name), c.Holders(name)
	for _, part := range c.Partitions(name) {
		d.Partitions = append(d.Partitions, partition(c, root, part))
	}
	if d.Bus == bus.USB {
		d.Gadget = gadgetOf(sys, u, d)
	}
	d.Covers = c.Covers(name)
	return d, nil
}

// gadgetOf is what a disk on USB is besides.
func gadgetOf(sys string, udev map[string]string, d Device) gadget.Kind {
	usb := facts.USBOf(sys)
	g := gadget.Device{ID: usb.ID, Interfaces: usb.Interfaces, Listed: udev["ID_MEDIA_PLAYER"] != ""}
	for _, name := range append(usb.Names, d.Vendor, d.Model) {
		g.Names = append(g.Names, facts.Clean(name))
	}
	return gadget.Of(g)
}

func partition(c *computer.Computer, root, name string) Partition {
	sys := c.Dir(name)
	u := facts.Udev(root, facts.Text(sys, "dev"))
	loader, perhaps := c.Loader(name)
	return Partition{
		Name: name, Label: facts.Label(u), FSType: facts.Clean(u["ID_FS_TYPE"]), Size: facts.Bytes(sys, "size"),
		Mounts: c.Mounts(name), Holders: c.Holders(name), Swap: c.Swap(name),
		Loader: loader, Perhaps: perhaps,
	}
}

func parseNumbers(s string) (major, minor uint32, err error) {
	a, b, ok := strings.Cut(s, ":")
	x, err1 := strconv.ParseUint(a, 10, 32)
	y, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, errors.New("its device number cannot be read")
	}
	return uint32(x), uint32(y), nil
}

// serial is what the kernel itself knows, not udev, which writes its database
// a moment after the disk appears: a serial number that comes later would look
// like another card. For USB it is that of the reader.
func serial(sys string) string {
	for _, f := range []string{"device/cid", "device/serial", "serial"} {
		if s := facts.Text(sys, f); s != "" {
			return s
		}
	}
	return facts.USBOf(sys).Serial
}
