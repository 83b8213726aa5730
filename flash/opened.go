package flash

import "io"

// Opened is a card that was opened for piwiz, and is closed by it.
type Opened interface {
	Card
	io.Closer
	// Eject tells the reader to give the card out.
	Eject() error
}

// Written is a card that was written and released.
type Written struct {
	Result
	Ejected bool // the reader has given it out: it is safe to remove
}

// TakeOut says how a written card is taken out: ejected says whether the reader has given it out.
// Otherwise a file manager may have opened its files by now.
func TakeOut(ejected bool) string {
	if ejected {
		return "It is ejected: take it out."
	}
	return "Take it out; if a window with its files has opened, eject it there first."
}
