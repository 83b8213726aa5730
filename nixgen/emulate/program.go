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

func program() []byte { return aarch64.Naming() }
