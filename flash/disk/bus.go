package disk

import (
	"path/filepath"
	"regexp"
	"strings"

	"piwiz/flash/disk/facts"
)

var usbPort = regexp.MustCompile(`/usb\d+/`)

// busOf goes by the place of the device in the tree below /sys, because the
// kernel's removable flag is 0 for built-in card slots and for USB disks. An
// mmc host may hang on USB, and NVMe with several paths lives among the
// virtual devices, so the order matters.
func busOf(place, name, kind string) Bus {
	switch {
	case strings.HasPrefix(name, "sr"), kind == "5": // SCSI type 5 is a CD drive
		return Optical
	case strings.Contains(place, "/floppy"):
		return Floppy
	case strings.Contains(place, "/nvme"):
		return NVMe
	case strings.Contains(place, "/devices/virtual/"):
		return Virtual
	case strings.Contains(place, "/mmc_host/") && strings.HasPrefix(kind, "SD"): // SD, or SDcombo
		return SD
	case strings.Contains(place, "/mmc_host/"):
		return EMMC
	case usbPort.MatchString(place):
		return USB
	case strings.Contains(place, "/ata"):
		return ATA
	}
	return Other
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
	dir, err := filepath.EvalSymlinks(sys)
	for ; err == nil && strings.Contains(dir, "/devices/"); dir = filepath.Dir(dir) {
		if facts.Text(dir, "idVendor") != "" { // the USB device
			return facts.Text(dir, "serial")
		}
	}
	return ""
}
