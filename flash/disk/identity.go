package disk

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Identity is what makes a medium the same one: it is taken when a card is
// chosen and compared when it is opened, also by the privileged half.
type Identity struct {
	DiskSeq uint64 `json:"diskseq"`
	Size    int64  `json:"size"` // bytes
	Serial  string `json:"serial"`
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
	case i.Size != o.Size:
		return fmt.Sprintf("The card was exchanged: it had %s, now it has %s.", Human(i.Size), Human(o.Size))
	case i.DiskSeq != o.DiskSeq:
		return "The card was taken out or exchanged in the meantime."
	case i.Serial != o.Serial:
		return "The card was exchanged: its serial number is another one."
	case i.Major != o.Major || i.Minor != o.Minor:
		return "The name belongs to another disk now."
	}
	return ""
}

// String is the form for a command line; ParseIdentity reads it back.
func (i Identity) String() string {
	b, _ := json.Marshal(i) // numbers and a string cannot fail
	return string(b)
}

// ParseIdentity reads what String wrote.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	if err := json.Unmarshal([]byte(s), &i); err != nil || i.Size <= 0 {
		return Identity{}, errors.New("the description of the card cannot be read")
	}
	return i, nil
}
