// Package aarch64 is the smallest program for the Pi's processor. A builder is
// believed when it has run it: its own word on what it can run is none.
package aarch64

// Answer is the exit status of the program.
const Answer = 42

// Program is a static ELF file: the file header, one program header and three
// instructions. Source: the ELF-64 object file format, and the system call
// numbers of asm-generic (93 = exit).
const Program = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00" + // 64 bit, little endian
	"\x02\x00\xb7\x00\x01\x00\x00\x00" + // executable, AArch64
	"\x78\x00\x40\x00\x00\x00\x00\x00" + // first instruction
	"\x40\x00\x00\x00\x00\x00\x00\x00" + // program headers
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + // no section headers, no flags
	"\x40\x00\x38\x00\x01\x00\x00\x00\x00\x00\x00\x00" + // sizes: header 64, one entry of 56
	"\x01\x00\x00\x00\x05\x00\x00\x00" + // load, readable and executable
	"\x00\x00\x00\x00\x00\x00\x00\x00" + // from the beginning of the file
	"\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00" + // to 0x400000
	"\x84\x00\x00\x00\x00\x00\x00\x00\x84\x00\x00\x00\x00\x00\x00\x00" + // all 132 bytes
	"\x00\x00\x01\x00\x00\x00\x00\x00" + // alignment
	"\x40\x05\x80\xd2" + // mov x0, #42
	"\xa8\x0b\x80\xd2" + // mov x8, #93
	"\x01\x00\x00\xd4" // svc #0
