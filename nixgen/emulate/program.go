package emulate

import "piwiz/nixgen/aarch64"

// The test program is started under the name argv0. Its exit status is the
// first byte of the name it sees plus the number of its arguments.
const (
	argv0   = ")"
	answer  = ')' + 1 // right
	renamed = '/' + 1 // it saw its path: the emulator is registered without P
	shifted = '/' + 2 // it saw its path and then its name: the emulator does not know P
)

func program() []byte {
	return aarch64.Program(
		0xf94003e0, // ldr x0, [sp]
		0xf94007e1, // ldr x1, [sp, #8]
		0x39400021, // ldrb w1, [x1]
		0x8b010000, // add x0, x0, x1
		0xd2800ba8, // mov x8, #93   exit
		0xd4000001, // svc #0
	)
}
