package image

import (
	"encoding/binary"
	"errors"
	"fmt"

	"piwiz/flash/image/kind"
)

// Partition is one entry of the table; Start and Size are bytes.
type Partition struct {
	Start, Size int64
	Type        byte
	Bootable    bool
}

// MBR is the partition table in the first sector of a disk (Microsoft, "Basic
// disk: MBR"; all numbers are little-endian counts of 512-byte sectors).
type MBR struct{ Partitions [4]Partition }

// protective is the type of the entry that covers a GPT (UEFI 2.10, 5.2.3).
const protective = 0xee

// ParseMBR reads a first sector. A table that only stands before a GPT is an
// error: Linux on the Pi would go by that one.
func ParseMBR(sector []byte) (MBR, error) {
	var m MBR
	if len(sector) < 512 {
		return m, errors.New("it is cut short: it has less than one sector")
	}
	if sector[510] != 0x55 || sector[511] != 0xaa {
		return m, &Error{"", errors.New("it is not an SD image: it has no partition table"), []string{kind.ForThePi}}
	}
	for i := range 4 {
		if sector[446+16*i+4] == protective {
			return m, &Error{"", errors.New("it is not an SD image for a Pi: its partition table is a GPT, as on PCs, not an MBR"), []string{kind.ForThePi}}
		}
	}
	for i := range m.Partitions {
		e := sector[446+16*i:]
		if e[4] != 0 {
			m.Partitions[i] = Partition{
				Start: int64(binary.LittleEndian.Uint32(e[8:])) * 512, Size: int64(binary.LittleEndian.Uint32(e[12:])) * 512,
				Type: e[4], Bootable: e[0] == 0x80,
			}
		}
	}
	return m, nil
}

// Boot is the FAT partition that the Pi starts from.
func (m MBR) Boot() (Partition, bool) {
	for _, p := range m.Partitions {
		switch p.Type {
		case 0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e:
			return p, true
		}
	}
	return Partition{}, false
}

// End is where the last partition ends, in bytes: no whole image is shorter.
func (m MBR) End() int64 {
	end := int64(0)
	for _, p := range m.Partitions {
		end = max(end, p.Start+p.Size)
	}
	return end
}

// check makes sure that the table fits the image.
func (m MBR) check(size int64) error {
	boot, ok := m.Boot()
	if !ok || boot.Size == 0 || boot.Start == 0 {
		return &Error{"", errors.New("it is not an SD image for a Pi: it has no FAT partition to start from"), []string{kind.ForThePi}}
	}
	for i, p := range m.Partitions {
		if p.Type == 0 {
			continue
		}
		if size >= 0 && p.Start+p.Size > size {
			return fmt.Errorf("it is cut short: partition %d ends at byte %d, the image at %d", i+1, p.Start+p.Size, size)
		}
		for _, o := range m.Partitions[:i] {
			if o.Type != 0 && p.Start < o.Start+o.Size && o.Start < p.Start+p.Size {
				return errors.New("its partitions overlap, so the table is damaged")
			}
		}
	}
	return nil
}
