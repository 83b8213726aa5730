package disk

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

// Identity is what makes a medium the same one: it is taken when a card is
// chosen and compared when it is opened, also by the privileged half.
type Identity struct {
	DiskSeq uint64 `json:"diskseq"`
	Size    int64  `json:"size"`   // bytes
	Serial  string `json:"serial"` // the CID for a card in a built-in slot; a reader tells its own
	Major   uint32 `json:"major"`
	Minor   uint32 `json:"minor"`
}

// Identity of the medium that is in now.
func (d Device) Identity() Identity {
	return Identity{d.DiskSeq, d.Size, d.Serial, d.Major, d.Minor}
}

// Differs says what is different about another medium; "" when it is the same.
func (i Identity) Differs(o Identity) string {
	switch {
	case o.Size == 0 && i.Size != 0:
		return "The card was taken out."
	case i.Size != o.Size:
		return fmt.Sprintf("The card was swapped: it had %s, now it has %s.", exact(i.Size, o.Size), exact(o.Size, i.Size))
	case i.Serial != o.Serial:
		return fmt.Sprintf("The card was swapped: its serial number was %s, now it is %s.", known(i.Serial), known(o.Serial))
	case i.Major != o.Major || i.Minor != o.Minor:
		return "The card's device name now belongs to another disk."
	case i.DiskSeq != o.DiskSeq:
		return "The card was taken out or swapped in the meantime."
	}
	return ""
}

// exact writes a size so that it can be told from another one.
func exact(bytes, other int64) string {
	if Human(bytes) == Human(other) {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return Human(bytes)
}

func known(serial string) string { return cmp.Or(serial, "not known") }

// String is the form for a command line; ParseIdentity reads it back.
func (i Identity) String() string {
	b, _ := json.Marshal(i) // numbers and a string cannot fail
	return string(b)
}

// ParseIdentity reads what String wrote, and nothing else.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	if err := json.Unmarshal([]byte(s), &i); err != nil || i.Size <= 0 || i.String() != s {
		return Identity{}, errors.New("the description of the card cannot be read; choose the card again")
	}
	return i, nil
}
