// Package bootfs puts files on a FAT volume, such as the FIRMWARE partition of an
// image while it streams by. What it needs of that is held in memory.
//
// Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03:
// the type of FAT follows from the number of clusters alone, never from the
// partition table (the 30 MiB FIRMWARE partition is FAT16, though its type
// byte says FAT32). Lower-case short names are marked by byte 12 of an entry,
// as Windows NT and mtools do it.
package bootfs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"piwiz/flash/fault"
)

var le = binary.LittleEndian

var errCorrupt = errors.New("the file system of the firmware partition is damaged; build the image again")

// volume is an opened FAT volume. Offsets are bytes into b.
type volume struct {
	b            []byte
	bits         int // 12, 16 or 32
	sector       int // bytes
	cluster      int // bytes
	fats         []int
	clusters     int
	root         uint32 // first cluster of the root directory, 0 when it is fixed
	rootOff      int
	rootSlots    int
	dataOff      int
	info         int // FSInfo sector, 0 without one
	date, time16 uint16
	was          map[int][]byte               // sectors as they were before they were changed
	loaded       func(*volume, []uint32) bool // nil when all of it is in b
}

// open reads the BIOS parameter block and checks that all it says is within
// the volume.
func open(b []byte) (*volume, error) {
	if len(b) < 512 || b[510] != 0x55 || b[511] != 0xaa {
		return nil, errCorrupt
	}
	v := &volume{b: b, sector: int(le.Uint16(b[11:])), was: map[int][]byte{}}
	perCluster, reserved, fats := int(b[13]), int(le.Uint16(b[14:])), int(b[16])
	if v.sector < 512 || v.sector > 4096 || v.sector&(v.sector-1) != 0 || perCluster == 0 || perCluster&(perCluster-1) != 0 || reserved == 0 || fats < 1 || fats > 2 {
		return nil, errCorrupt
	}
	v.cluster = perCluster * v.sector
	v.rootSlots = int(le.Uint16(b[17:]))
	total := int(le.Uint16(b[19:]))
	if total == 0 {
		total = int(le.Uint32(b[32:]))
	}
	fatSize := int(le.Uint16(b[22:]))
	large := fatSize == 0
	if large {
		fatSize = int(le.Uint32(b[36:]))
	}
	v.rootOff = (reserved + fats*fatSize) * v.sector
	v.dataOff = v.rootOff + (v.rootSlots*32+v.sector-1)/v.sector*v.sector
	if fatSize == 0 || total > len(b)/v.sector || v.dataOff >= total*v.sector {
		return nil, errCorrupt
	}
	v.clusters = (total*v.sector - v.dataOff) / v.cluster
	for i := range fats {
		v.fats = append(v.fats, (reserved+i*fatSize)*v.sector)
	}
	switch {
	case large:
		v.bits = 32
	case v.clusters < 4085:
		v.bits = 12
	case v.clusters < 65525:
		v.bits = 16
	default:
		return nil, errCorrupt
	}
	if (v.clusters+2)*v.bits > fatSize*v.sector*8 {
		return nil, errCorrupt
	}
	if v.bits == 32 {
		return v, v.large(reserved)
	}
	if v.rootSlots == 0 {
		return nil, errCorrupt
	}
	return v, nil
}

// large reads what only FAT32 has.
func (v *volume) large(reserved int) error {
	v.root = le.Uint32(v.b[44:])
	if v.rootSlots != 0 || !v.valid(v.root) {
		return errCorrupt
	}
	if s := int(le.Uint16(v.b[48:])); s > 0 && s < reserved && le.Uint32(v.b[s*v.sector:]) == 0x41615252 {
		v.info = s * v.sector
	}
	return nil
}

func (v *volume) valid(c uint32) bool { return c >= 2 && int(c) < v.clusters+2 }

// NoSpace is a volume too full for the files, in bytes.
type NoSpace struct {
	Need, Free int64
	fault.Todo
}

func (e *NoSpace) Error() string {
	return fmt.Sprintf("the firmware partition is full: %d bytes are needed, %d are free", e.Need, e.Free)
}
