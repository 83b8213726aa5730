// Package gadget tells devices that keep their own files, such as e-readers,
// music players, cameras and phones, from card readers and sticks: on the cable
// all of them are disks. The device decides, not what is on it: a card out of
// a camera, in a card reader, is a card.
//
// What is asked, the surest first: what udev's lists of players and cameras
// say, where they are installed; what else the device is besides a disk; its
// number, from those lists; whole words of its names; and its maker, if that
// makes nothing else. Sources: usb.ids, media-player-info, libgphoto2, libmtp.
package gadget

import (
	"regexp"
	"slices"
	"strings"
)

// Kind is what a device is; "" for a disk and nothing else.
type Kind string

// The kinds that are told apart.
const (
	EReader   Kind = "an e-reader"
	Player    Kind = "a music player"
	Camera    Kind = "a camera"
	Phone     Kind = "a phone or tablet"
	Navigator Kind = "a navigation device"
	Printer   Kind = "a printer"
	Console   Kind = "a games console"
	Remote    Kind = "a disk that another computer shares"
	Other     Kind = "a device with files of its own"
)

// Device is what is known of a USB disk.
type Device struct {
	Names      []string // what it calls itself and its maker, by SCSI and by USB
	ID         string   // 0781:7433, in lower case
	Interfaces []string // class, subclass and protocol of each, in hexadecimal: 080650
	Listed     bool     // udev's lists have it as a player
}

// Of says what a device is.
func Of(d Device) Kind {
	names := strings.Join(d.Names, " ")
	maker, number, _ := strings.Cut(d.ID, ":")
	word := byWords(names)
	switch {
	case maker == "": // no USB
		return ""
	case d.also("07"):
		return Printer
	case word != "":
		return word
	case d.also("060101"), d.also("0e"):
		return Camera
	case d.also("ff4201"): // adb, by which Android is served
		return Phone
	case d.also("01"), d.Listed:
		return Player
	}
	for _, n := range numbers[maker] {
		if number >= n.from && number <= n.to {
			return n.kind
		}
	}
	if reader.MatchString(names) {
		return ""
	}
	return makers[maker]
}

func (d Device) also(class string) bool {
	return slices.ContainsFunc(d.Interfaces, func(i string) bool { return strings.HasPrefix(i, class) })
}

// reader is how card readers are called, by makers of cameras and players too.
var reader = regexp.MustCompile(`(?i)\breaders?\b|card-?reader|writer|\badap[a-z]*\b|\bmulti-?cards?\b|\bsddr\b`)

func byWords(names string) Kind {
	for _, w := range words {
		if w.are.MatchString(names) {
			return w.kind
		}
	}
	return ""
}
