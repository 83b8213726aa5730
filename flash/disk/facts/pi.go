package facts

import (
	"encoding/binary"
	"strings"
)

// Pi is how a Raspberry Pi was started.
type Pi struct {
	Told      bool   // by the firmware; a loader behind it, such as U-Boot, may drop the note
	Mode      uint32 // as in BOOT_ORDER: 0 and 1 card, 4 and 5 USB, 6 NVMe, others are no disk
	Partition uint32 // 0 for the first one that would do
}

// PiBoot reads the note of the firmware (Raspberry Pi documentation, Device
// Trees, "/chosen/bootloader": numbers of 32 bits, the first byte first).
// False means that this computer is none.
func PiBoot(root string) (Pi, bool) {
	if !strings.HasPrefix(Text(root, "proc/device-tree/model"), "Raspberry Pi") {
		return Pi{}, false
	}
	number := func(name string) (uint32, bool) {
		b := bytes(root, "proc/device-tree/chosen/bootloader", name)
		if len(b) != 4 {
			return 0, false
		}
		return binary.BigEndian.Uint32(b), true
	}
	mode, told := number("boot-mode")
	part, _ := number("partition") // not told: as if it were the first
	return Pi{told, mode, part}, true
}
