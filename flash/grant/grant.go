// Package grant is what root does with a card: it checks the card again by its
// own rules, unmounts it, and opens it. All writing is done by the ordinary user.
//
// Nothing that the caller claims is believed: it only narrows down what is
// opened. The same rules hold where the card is opened without root.
package grant

import (
	"os"

	"piwiz/flash/disk"
	"piwiz/flash/fault"
)

// Words that let be opened what is hardly a card: memory soldered into the
// computer, or any disk, which the user named and confirmed twice. All other
// rules stay; above all nothing is opened that the computer runs from.
const (
	soldered = "soldered"
	anyDisk  = "any-disk"
)

// Refused is a card that must not be opened, and why.
type Refused struct {
	Path, Why string
	fault.Todo
}

func (r *Refused) Error() string { return r.Path + " is not written. " + r.Why }

func refused(path, why string, todo ...string) *Refused {
	if len(todo) == 0 {
		todo = []string{"Choose the card again from the list."}
	}
	return &Refused{path, why, todo}
}

// Words are what root is told about a card: Open takes them.
func Words(d disk.Device) []string {
	words := []string{d.Path, d.Identity().String()}
	if word := also(d); word != "" {
		words = append(words, word)
	}
	return words
}

// Takes tells whether these can be words for Open.
func Takes(words []string) bool {
	return len(words) == 2 || len(words) == 3 && (words[2] == soldered || words[2] == anyDisk)
}

// Open is OpenDirect for the words that stand on the command line.
func Open(words []string) (*os.File, error) {
	also := ""
	if len(words) == 3 {
		also = words[2]
	}
	return openFor(words[0], words[1], also)
}

// OpenAsRoot opens a card by asking root to Open it. *Refused is a card that
// must not be written.
func OpenAsRoot(d disk.Device, ask func() (*os.File, error)) (*os.File, error) {
	f, err := ask()
	if err != nil {
		return nil, err
	}
	if why := opened(int(f.Fd()), d.Identity()); why != "" {
		_ = f.Close() // nothing was written
		return nil, refused(d.Path, why)
	}
	return f, nil
}
