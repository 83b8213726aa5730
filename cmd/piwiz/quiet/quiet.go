// Package quiet keeps the program from questioning the terminal before main.
//
// Bubble Tea v1 asks the terminal for its background colour in a package init
// and waits up to five seconds for the answer. On a terminal that stays
// silent (a serial console, a relayed session) even `piwiz version` would
// then take five seconds and print escape codes. The question is not asked
// when CI is set, so this package sets CI while the others are initialised.
//
// It works because Go initialises, of all packages whose imports are ready,
// the one whose path sorts first. This one is ready as soon as os is. Bubble
// Tea also waits for runtime/debug, which needs os too and sorts after
// "piwiz": so we come first. Therefore: import nothing but os here.
//
// A dark background is assumed; the program may ask for itself later.
package quiet

import "os"

var set = os.Getenv("CI") == ""

func init() {
	if set {
		os.Setenv("CI", "piwiz")
	}
}

// Undo takes the variable away again, so that nothing the program starts
// sees it. Call it first in main. A CI that the user has set is left alone.
func Undo() {
	if set {
		os.Unsetenv("CI")
	}
}
