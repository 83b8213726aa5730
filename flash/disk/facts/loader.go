package facts

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Loaders are the PARTUUIDs, in lower case, of the partitions that this
// computer was started from, as far as its firmware tells: such a partition is
// often open only for the moment when somebody looks into it. One is left by
// the boot loader (systemd.io/BOOT_LOADER_INTERFACE, LoaderDevicePartUUID),
// the other stands in the firmware's own entry for this start (UEFI 2.10, 3.1
// and 3.3: BootCurrent, Boot####).
func Loaders(root string) []string {
	var all []string
	if id := strings.ToLower(text16(variable(root, "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"))); id != "" {
		all = append(all, id)
	}
	const global = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	if current := variable(root, "BootCurrent"+global); len(current) == 2 {
		entry := variable(root, fmt.Sprintf("Boot%04X", binary.LittleEndian.Uint16(current))+global)
		if id := partitionOf(entry); id != "" {
			all = append(all, id)
		}
	}
	return all
}

// variable is one of the firmware's, without the four bytes of flags before it
// (kernel, Documentation/filesystems/efivarfs.rst).
func variable(root, name string) []byte {
	b := bytes(root, "sys/firmware/efi/efivars", name)
	return b[min(4, len(b)):]
}

func text16(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}

// partitionOf is the PARTUUID in a load option: flags, the length of its path,
// a text of UTF-16 that ends with zero, and the path, whose nodes have a type,
// a subtype and a length. The node 4.1 is a partition: number, start and size,
// then the name of the partition (GPT), or the number of its disk (MBR).
func partitionOf(option []byte) string {
	if len(option) < 6 {
		return ""
	}
	path := option[6:]
	for len(path) >= 2 && binary.LittleEndian.Uint16(path) != 0 {
		path = path[2:]
	}
	path = path[min(2, len(path)):]
	for len(path) >= 4 {
		size := int(binary.LittleEndian.Uint16(path[2:]))
		if size < 4 || size > len(path) {
			break
		}
		if n := path[:size]; n[0] == 4 && n[1] == 1 && size >= 42 {
			id := n[24:40]
			switch n[41] {
			case 1:
				return fmt.Sprintf("%08x-%02x", binary.LittleEndian.Uint32(id), binary.LittleEndian.Uint32(n[4:]))
			case 2:
				return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(id), binary.LittleEndian.Uint16(id[4:]), binary.LittleEndian.Uint16(id[6:]), id[8:10], id[10:])
			}
		}
		path = path[size:]
	}
	return ""
}
