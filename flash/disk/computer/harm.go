package computer

import "piwiz/flash/disk/facts"

// Harm is how bad it is to lose a mount point.
type Harm int

// The worst comes first.
const (
	Root Harm = iota
	Start
	Own
	Plugged
)

// HarmOf tells mount points of the running system from those of a medium that
// somebody plugged in, which are in the places for that and nowhere else.
func HarmOf(mount string) Harm {
	for _, free := range []string{"/media", "/run/media", "/mnt", "/var/mnt"} {
		if facts.Within(mount, free) {
			return Plugged
		}
	}
	switch {
	case mount == "/":
		return Root
	case facts.Within(mount, "/boot"), facts.Within(mount, "/efi"):
		return Start
	}
	return Own
}
