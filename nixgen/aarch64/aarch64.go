// Package aarch64 runs the smallest programs for the Pi's processor. That one
// of them was run is the only proof that a computer runs such programs: its own
// word is none.
//
// Here a program is run by Run, where there is only a shell by Script, and in a
// build by nix.Trial.
package aarch64

import "encoding/binary"

// Program is a static ELF file of these instructions: the file header, one
// program header and the code. Source: the ELF-64 object file format; for the
// instructions the system call numbers of asm-generic/unistd.h, and the stack
// at the start of a program: argc, argv[0], argv[1] from sp on.
func Program(code ...uint32) []byte {
	const header, entry, base = 64, 56, 0x400000
	size := uint64(header + entry + 4*len(code))
	le := binary.LittleEndian
	b := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0} // 64 bit, little endian
	b = le.AppendUint16(b, 2)                                            // executable
	b = le.AppendUint16(b, 183)                                          // AArch64
	b = le.AppendUint32(b, 1)
	for _, v := range []uint64{base + header + entry, header, 0} { // first instruction, program headers, no sections
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{header, entry, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // load
	b = le.AppendUint32(b, 5) // readable, executable
	for _, v := range []uint64{0, base, base, size, size, 0x10000} {
		b = le.AppendUint64(b, v)
	}
	for _, v := range code {
		b = le.AppendUint32(b, v)
	}
	return b
}

// System is what Nix calls the Pi's processor under Linux.
const System = "aarch64-linux"

// Answer is the exit status of Answering.
const Answer = 42

// Answering is a program that does no more than to end.
func Answering() []byte {
	return Program(
		0xd2800540, // mov x0, #42
		0xd2800ba8, // mov x8, #93   exit
		0xd4000001, // svc #0
	)
}

// MakingFolder is a program that makes the folder named by its first argument.
// It exits with 0 if that worked.
func MakingFolder() []byte {
	return Program(
		0xf9400be1, // ldr x1, [sp, #16]   the first argument
		0x92800c60, // mov x0, #-100       from the present folder
		0xd2803da2, // mov x2, #0755
		0xd2800448, // mov x8, #34         mkdirat
		0xd4000001, // svc #0
		0xd2800ba8, // mov x8, #93         exit
		0xd4000001, // svc #0
	)
}

// Naming is a program whose exit status is the first byte of the name it was
// started under, plus the number of its arguments with that name.
func Naming() []byte {
	return Program(
		0xf94003e0, // ldr x0, [sp]
		0xf94007e1, // ldr x1, [sp, #8]
		0x39400021, // ldrb w1, [x1]
		0x8b010000, // add x0, x0, x1
		0xd2800ba8, // mov x8, #93   exit
		0xd4000001, // svc #0
	)
}
