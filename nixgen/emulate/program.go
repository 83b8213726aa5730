package emulate

import "encoding/binary"

// answer is the exit status of the test program.
const answer = 42

// program is the smallest static ELF file for aarch64 that exits with answer:
// the file header, one program header and three instructions. Source: the ELF-64
// object file format, and the system call numbers of asm-generic (93 = exit).
func program() []byte {
	const (
		header = 64
		entry  = 56 // size of a program header
		base   = 0x400000
		size   = header + entry + 12
	)
	le := binary.LittleEndian
	b := make([]byte, 0, size)
	b = append(b, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) // 64 bit, little endian
	b = le.AppendUint16(b, 2)                                              // executable
	b = le.AppendUint16(b, 183)                                            // AArch64
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+header+entry) // first instruction
	b = le.AppendUint64(b, header)            // program headers
	b = le.AppendUint64(b, 0)                 // no section headers
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{header, entry, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // load
	b = le.AppendUint32(b, 5) // readable, executable
	for _, v := range []uint64{0, base, base, size, size, 0x10000} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0xd2800540) // mov x0, #42
	b = le.AppendUint32(b, 0xd2800ba8) // mov x8, #93
	return le.AppendUint32(b, 0xd4000001)
}
