// Package bus tells how a disk is connected, which says more than anything else
// whether it can be a card.
package bus

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"piwiz/flash/disk/facts"
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
	SAS     Bus = "sas"
	Virtual Bus = "virtual" // loop, zram, device mapper and their like
	Network Bus = "network" // a server's: iSCSI, Fibre Channel, NVMe over a network
	Machine Bus = "machine" // made by the virtual machine that this computer is
	Optical Bus = "optical"
	Floppy  Bus = "floppy"
	Other   Bus = "other"
)

var usbPort = regexp.MustCompile(`/usb\d+/`)

// remote is the place of what a network leads to: the kernel's iSCSI sessions
// and the remote ports of Fibre Channel (scsi_transport_iscsi, _fc), and rbd.
var remote = regexp.MustCompile(`/session\d+/|/rport-|/rbd/`)

// machine is the place of what a virtual machine gives its guest: virtio, Xen
// (vbd-768) and Hyper-V (VMBUS:00, MSFT1000:00).
var machine = regexp.MustCompile(`/virtio\d+/|/vbd-\d+/|/VMBUS:|/MSFT1000:`)

// Of goes by the place of the device in the tree below /sys, because the
// kernel's removable flag is 0 for built-in card slots and for USB disks, and
// 1 for whatever a server or a virtual machine says so about. An mmc host may
// hang on USB, and NVMe with several paths lives among the virtual devices, so
// the order matters. Sys is its folder in sysfs, place that of the link which leads there.
func Of(place, sys, name string) Bus {
	kind := facts.Text(sys, "device/type")
	switch {
	case remote.MatchString(place), fabric(sys):
		return Network
	case strings.HasPrefix(name, "sr"), kind == "5": // SCSI type 5 is a CD drive
		return Optical
	case strings.Contains(place, "/floppy"):
		return Floppy
	case machine.MatchString(place), guest.MatchString(facts.Text(sys, "device/vendor")) && !usbPort.MatchString(place):
		return Machine
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
	case strings.Contains(place, "/end_device-"):
		return SAS
	}
	return Other
}

// guest is how the makers of virtual machines call themselves as makers of
// SCSI disks. ATA and NVMe disks tell no vendor.
var guest = regexp.MustCompile(`^(QEMU|VMware|Msft|VBOX)\b`)

// fabric tells NVMe over a network: its controller, or each of several, names
// its transport (linux, drivers/nvme/host/sysfs.c).
func fabric(sys string) bool {
	controllers, _ := filepath.Glob(filepath.Join(sys, "device/nvme*")) // the pattern is well formed
	for _, c := range append(controllers, filepath.Join(sys, "device")) {
		if slices.Contains([]string{"tcp", "rdma", "fc", "loop"}, facts.Text(c, "transport")) {
			return true
		}
	}
	return false
}
