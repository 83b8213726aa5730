package emulate

import (
	"context"
	"time"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/osrelease"
)

// Begin has root register the emulator, and verifies that programs for the Pi run
// now. ask asks root for it; end ends what ask began, and tells whether root has
// said that the emulator is gone. The emulator stays until End, or until this
// process ends in any way; after an error it does not.
func Begin(ask func() error, end func() bool) error {
	err := ask()
	if err == nil {
		if err = Check(context.Background()); err != nil {
			_ = End(end) // the first error is the cause
		}
	}
	return err
}

// End ends what Begin began. It returns an *Error when the emulator is still
// there.
func End(end func() bool) error {
	if end() {
		return nil
	}
	// Where sudo was killed, what it had started ends a little later.
	for range 20 {
		if t, err := readTable(binfmt.Dir); err != nil || !hasOwn(t) {
			return err
		}
		if !register.Held(binfmt.Dir) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	left := &Error{Reason: LeftOver, entry: binfmt.Entry{Name: register.Name}}
	return left.on(osrelease.Read("/"))
}
