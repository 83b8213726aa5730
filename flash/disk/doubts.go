package disk

import (
	"regexp"
	"slices"
	"strings"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/facts"
)

// How card readers call themselves. Sticks have names of their own.
var readerName = regexp.MustCompile(`(?i)\b(micro)?sd(hc|xc|uc)?\b|\bt-?flash\b|\bmmc\b|\bcrw\b|\bsddr\b|card|reader|mass.?storage|storage.?device`)

// reader is a guess: the kernel does not tell a card in a reader from a stick.
func (d Device) reader() bool {
	return d.Bus == bus.SD || d.Removable && readerName.MatchString(d.Vendor+" "+d.Model)
}

// Doubt is why a disk that may be written is perhaps not the card that is
// meant, one sentence; "" when it looks like an SD card. Ask twice then.
func (d Device) Doubt() string {
	switch {
	case d.Bus == bus.EMMC:
		return "This memory is soldered into this computer: are you sure that nothing on it is needed?"
	case d.Any && d.Bus == bus.NVMe:
		return "This is an NVMe disk, like an SD Express card: are you sure that it is not a disk with your files?"
	case d.Any:
		return "This is not an SD card: are you sure that it is not a disk with your files?"
	case d.Size > large:
		return "This is large for a card: are you sure that it is not a disk with your files?"
	case d.reader():
		return ""
	case !d.Removable:
		return "This looks like a USB disk, not a card: are you sure that it is not one with your files?"
	}
	return "This looks like a USB stick, not a card."
}

// Confirm is what is typed, word after word, before a disk is erased: its name,
// and for one that is perhaps not a card a word more. "erase" is no name of a disk.
func (d Device) Confirm() []string {
	if d.Doubt() == "" {
		return []string{d.Name}
	}
	return []string{d.Name, "erase"}
}

// Warnings are sentences to read before a disk is chosen.
func (d Device) Warnings() []string {
	var out []string
	if doubt := d.Doubt(); doubt != "" {
		out = append(out, doubt)
	}
	if m := d.Unmounts(); len(m) > 0 {
		slices.Sort(m)
		out = append(out, "It is open now at "+facts.Clean(strings.Join(m, ", "))+" and will be closed.")
	}
	return out
}
