package image

import (
	"encoding/binary"
	"errors"
	"io"
)

// sectors is how many of 512 bytes a partition table can count.
const sectors = 1 << 32

// Grow gives the last partition of a table, in the first sector of a disk, all room
// up to room, in bytes, and comes back with the table as it is now. That is done to
// what NixOS lays out for a card and to nothing else: two entries, of which the
// second has type 83 and is behind the first. A disk that the table cannot count is
// left alone too: there `sfdisk ",+,"`, with which NixOS grows it on its first start,
// takes the size modulo 2^32.
//
// The addresses of cylinder, head and sector become those that sfdisk writes (with
// 255 heads of 63 sectors), so that it has nothing left to change.
func Grow(sector []byte, room int64) (m MBR, grown bool, err error) {
	m, err = ParseMBR(sector)
	if err != nil {
		return m, false, err
	}
	last := &m.Partitions[1]
	end := room / 512
	switch boot := m.Partitions[0]; {
	case last.Type != 0x83, last.Size == 0, boot.Type == 0, boot.Size == 0, boot.Start+boot.Size > last.Start:
		return m, false, nil
	case [32]byte(sector[446+32:446+64]) != [32]byte{}: // Linux reads an entry of type 0 too
		return m, false, nil
	case end >= sectors, end*512 <= last.Start+last.Size:
		return m, false, nil
	}
	e := sector[446+16:][:16]
	binary.LittleEndian.PutUint32(e[12:], uint32(end-last.Start/512))
	address(e[5:8], end-1)
	last.Size = end*512 - last.Start
	return m, true, nil
}

// address writes where a sector is as heads and cylinders, or that it is too far
// away for that.
func address(b []byte, sector int64) {
	const heads, perTrack = 255, 63
	head, cylinder := sector/perTrack%heads, sector/perTrack/heads
	if cylinder > 1023 {
		b[0], b[1], b[2] = 0xfe, 0xff, 0xff
		return
	}
	b[0], b[1], b[2] = byte(head), byte(sector%perTrack+1)|byte(cylinder>>8<<6), byte(cylinder)
}

// ExtSize is the size of the ext file system that begins with the first 2048 bytes
// read from r, in bytes; 0 if it is another one (Linux,
// Documentation/filesystems/ext4/super.rst).
func ExtSize(r io.Reader) (int64, error) {
	const (
		super     = 1024 // bytes into the partition
		large     = 0x80 // of the incompatible features: 64 bits
		mostShift = 6    // blocks of 64 KiB
	)
	b := make([]byte, 2*super)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, err
	}
	le, b := binary.LittleEndian, b[super:]
	if le.Uint16(b[56:]) != 0xef53 {
		return 0, nil
	}
	shift := le.Uint32(b[24:])
	if shift > mostShift {
		return 0, errors.New("the root file system is damaged: it has blocks of no known size")
	}
	blocks := uint64(le.Uint32(b[4:]))
	if le.Uint32(b[96:])&large != 0 {
		blocks |= uint64(le.Uint32(b[336:])) << 32
	}
	if blocks > 1<<62>>(10+shift) {
		return 0, errors.New("the root file system is damaged: it is larger than any disk")
	}
	return int64(blocks) << (10 + shift), nil
}
