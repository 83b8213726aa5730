package facts

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Loader is the PARTUUID of the partition that the boot loader was read
// from, in lower case, as the loader left it in a variable of the firmware
// (systemd.io/BOOT_LOADER_INTERFACE, LoaderDevicePartUUID): the partition is
// often open only for the moment when somebody looks into it. "" when no
// loader said so. Four bytes of flags stand before the UTF-16 text (kernel,
// Documentation/filesystems/efivarfs.rst).
func Loader(root string) string {
	b := bytes(root, "sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")
	var units []uint16
	for i := 4; i+1 < len(b); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(b[i:]))
	}
	return strings.ToLower(strings.TrimRight(string(utf16.Decode(units)), "\x00"))
}
