// Package disk knows what may be written and why not. It reads facts from
// sysfs (kernel, Documentation/ABI/testing/sysfs-block and
// sysfs-class-mmc), the mount and swap tables (proc(5)) and udev's database,
// and judges them by plain rules. The privileged half uses it too, so it
// needs only the standard library.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Bus is how a disk is connected.
type Bus string

// The kinds that are told apart.
const (
	USB     Bus = "usb"
	SD      Bus = "sd"   // a card in a built-in slot
	EMMC    Bus = "emmc" // soldered in
	NVMe    Bus = "nvme"
	ATA     Bus = "ata"
	Virtual Bus = "virtual" // loop, zram, device mapper and their like
	Optical Bus = "optical"
	Other   Bus = "other"
)

// Partition is one partition of a disk; sizes are bytes.
type Partition struct {
	Name, Label, FSType string
	Size                int64
	Mounts, Holders     []string
	Swap                bool
}

// Device is one whole disk and what is known about it; sizes are bytes.
type Device struct {
	Name, Path            string // sdb, /dev/sdb
	Size                  int64
	Vendor, Model, Serial string
	Bus                   Bus
	Removable, ReadOnly   bool
	DiskSeq               uint64 // the kernel's number of this medium; 0 when it tells none
	Major, Minor          uint32
	Mounts, Holders       []string
	Swap                  bool
	Label, FSType         string // of a file system without partition table
	Partitions            []Partition
}

// Read gathers the facts about one disk of the computer at root ("/"; a test
// gives a folder). fs.ErrNotExist means that there is no such disk.
func Read(root, name string) (Device, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return Device{}, fmt.Errorf("%q is no name of a disk", name)
	}
	sys := filepath.Join(root, "sys/block", name)
	d := Device{Name: name, Path: "/dev/" + name}
	numbers, err := os.ReadFile(filepath.Join(sys, "dev"))
	if err != nil {
		return Device{}, fmt.Errorf("look at %s: %w", d.Path, err)
	}
	if d.Major, d.Minor, err = parseNumbers(string(numbers)); err != nil {
		return Device{}, fmt.Errorf("look at %s: %w", d.Path, err)
	}
	d.Size = number(sys, "size") * 512 // always in units of 512 bytes
	d.Removable = number(sys, "removable") == 1
	d.ReadOnly = number(sys, "ro") == 1
	d.DiskSeq = uint64(number(sys, "diskseq"))
	d.Bus = busOf(sys, name)
	u := udev(root, strings.TrimSpace(string(numbers)))
	d.Vendor = text(sys, "device/vendor")
	d.Model = first(text(sys, "device/model"), text(sys, "device/name"), strings.ReplaceAll(u["ID_MODEL"], "_", " "))
	d.Serial = first(text(sys, "device/serial"), u["ID_SERIAL_SHORT"], text(sys, "device/cid"))
	d.Label, d.FSType = u["ID_FS_LABEL"], u["ID_FS_TYPE"]
	mounts, swaps := mountTable(root), swapTable(root)
	d.Mounts, d.Swap, d.Holders = mounts[name], swaps[name], children(sys, "holders")
	entries, _ := os.ReadDir(sys) // no entry, no partition
	for _, e := range entries {
		part := filepath.Join(sys, e.Name())
		if !strings.HasPrefix(e.Name(), name) || text(part, "partition") == "" && text(part, "start") == "" {
			continue
		}
		u := udev(root, text(part, "dev"))
		d.Partitions = append(d.Partitions, Partition{
			Name: e.Name(), Label: u["ID_FS_LABEL"], FSType: u["ID_FS_TYPE"], Size: number(part, "size") * 512,
			Mounts: mounts[e.Name()], Holders: children(part, "holders"), Swap: swaps[e.Name()],
		})
	}
	return d, nil
}

func parseNumbers(s string) (major, minor uint32, err error) {
	a, b, ok := strings.Cut(strings.TrimSpace(s), ":")
	x, err1 := strconv.ParseUint(a, 10, 32)
	y, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, errors.New("its device number cannot be read")
	}
	return uint32(x), uint32(y), nil
}

// busOf goes by the place of the device in the tree, because the kernel's
// removable flag is 0 for built-in card slots and for USB disks.
func busOf(sys, name string) Bus {
	place, err := filepath.EvalSymlinks(sys)
	if err != nil {
		place = sys
	}
	switch {
	case strings.HasPrefix(name, "sr") || text(sys, "device/type") == "5": // SCSI type 5 is a CD drive
		return Optical
	case strings.Contains(place, "/devices/virtual/"):
		return Virtual
	case strings.Contains(place, "/mmc_host/") && text(sys, "device/type") == "SD":
		return SD
	case strings.Contains(place, "/mmc_host/"):
		return EMMC
	case strings.Contains(place, "/usb"):
		return USB
	case strings.Contains(place, "/nvme/"):
		return NVMe
	case strings.Contains(place, "/ata"):
		return ATA
	}
	return Other
}

func text(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return "" // a fact that the kernel does not tell
	}
	return strings.TrimSpace(string(b))
}

func number(elem ...string) int64 {
	n, _ := strconv.ParseInt(text(elem...), 10, 64) // unknown counts as 0
	return n
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func children(elem ...string) []string {
	entries, _ := os.ReadDir(filepath.Join(elem...)) // no folder, no children
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// udev is what udev wrote down about a device number; empty without udev.
func udev(root, numbers string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text(root, "run/udev/data", "b"+numbers)) {
		if kv, ok := strings.CutPrefix(strings.TrimSpace(line), "E:"); ok {
			k, v, _ := strings.Cut(kv, "=")
			out[k] = v
		}
	}
	return out
}

// mountTable is the mount points by name of the device below /dev.
func mountTable(root string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(text(root, "proc/self/mounts")) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if name, ok := strings.CutPrefix(f[0], "/dev/"); ok {
			out[name] = append(out[name], unescape(f[1]))
		}
	}
	return out
}

// unescape reads the octal escapes of fstab(5).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func swapTable(root string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text(root, "proc/swaps")) {
		if f := strings.Fields(line); len(f) > 0 {
			if name, ok := strings.CutPrefix(f[0], "/dev/"); ok {
				out[name] = true
			}
		}
	}
	return out
}
