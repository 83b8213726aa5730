package gadget

import (
	"slices"
	"strings"
)

// traces are names in the uppermost folder of a device, in lower case, that
// tell what it is or what a card was in. Where kind is "", cards and sticks of
// all sorts have it too.
var traces = []struct {
	names []string // all of them
	kind  Kind
	says  string
}{
	{[]string{".kobo"}, EReader, "the books of a Kobo (.kobo)"},
	{[]string{"system", "documents"}, EReader, "the books of a Kindle (documents)"},
	{[]string{".tolino"}, EReader, "the books of a tolino (.tolino)"},
	{[]string{"ipod_control"}, Player, "the music of an iPod (iPod_Control)"},
	{[]string{".rockbox"}, Player, "the system of a music player (.rockbox)"},
	{[]string{"default-capability.xml"}, Player, "the music of a Walkman"},
	{[]string{"garmin"}, Navigator, "the maps of a Garmin (Garmin)"},
	{[]string{"dcim"}, "", "the pictures of a camera or phone (DCIM)"},
	{[]string{"android"}, "", "the files of a phone (Android)"},
}

// Label is the device whose file system has this name from its maker.
func Label(name string) Kind { return labels[strings.ToLower(name)] }

// Trace says what names in a folder tell: the device they are of, if it cannot
// well be another one, and what is there, "" when they tell nothing.
func Trace(names []string) (kind Kind, says string) {
	lower := make([]string, len(names))
	for i, n := range names {
		lower[i] = strings.ToLower(n)
	}
	for _, t := range traces {
		if !slices.ContainsFunc(t.names, func(n string) bool { return !slices.Contains(lower, n) }) {
			return t.kind, t.says
		}
	}
	return "", ""
}
