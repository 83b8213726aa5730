package bus

import (
	"os"
	"path/filepath"
	"testing"
)

// Places as kernels have them, of what one could take for another.
func TestTheInnermostThatTellsDecides(t *testing.T) {
	for place, want := range map[string]Bus{
		"/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda":             USB,
		"/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0":           EMMC, // its type is not SD
		"/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda":                         ATA,
		"/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1":                                              NVMe,
		"/devices/virtual/block/loop0":                                                                      Virtual,
		"/devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sdb":                                    Network,
		"/devices/pci0000:00/0000:00:1d.0/usb2/2-1/2-1:1.0/host3/rport-3:0-0/target3:0:0/3:0:0:0/block/sdc": Network,
		"/devices/pci0000:00/0000:00:05.0/virtio2/block/vda":                                                Machine,
		"/devices/pci0000:00/0000:01:00.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda":      SAS,
		"/devices/platform/floppy.0/block/fd0":                                                              Floppy,
		"/devices/platform/soc/1000.pata/host0/target0:0:0/0:0:0:0/block/sda":                               Other,
	} {
		if got := Of(place, t.TempDir(), filepath.Base(place)); got != want {
			t.Errorf("%s: %s, want %s", place, got, want)
		}
	}
	sys := t.TempDir()
	if err := os.MkdirAll(filepath.Join(sys, "device"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sys, "device/type"), []byte("SDcombo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Of("/devices/platform/soc/mmc_host/mmc0/mmc0:0001/block/mmcblk0", sys, "mmcblk0"); got != SD {
		t.Errorf("a card in a built-in slot: %s", got)
	}
}
