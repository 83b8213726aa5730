package emulate

import "encoding/binary"

// The test program is started under the name argv0. Its exit status is the
// first byte of the name it sees plus the number of its arguments.
const (
	argv0   = ")"
	answer  = ')' + 1 // right
	renamed = '/' + 1 // it saw its path: the emulator is registered without P
	shifted = '/' + 2 // it saw its path and then its name: the emulator does not know P
)

// program is a static ELF file for aarch64, as small as can be: the file
// header, one program header and six instructions. Source: the ELF-64 object
// file format, the system call numbers of asm-generic (93 = exit), and the
// stack at the start of a program: argc, argv[0].
func program() []byte {
	const (
		header = 64
		entry  = 56 // size of a program header
		base   = 0x400000
		size   = header + entry + 24
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
	for _, v := range []uint32{
		0xf94003e0, // ldr x0, [sp]
		0xf94007e1, // ldr x1, [sp, #8]
		0x39400021, // ldrb w1, [x1]
		0x8b010000, // add x0, x0, x1
		0xd2800ba8, // mov x8, #93
		0xd4000001, // svc #0
	} {
		b = le.AppendUint32(b, v)
	}
	return b
}
