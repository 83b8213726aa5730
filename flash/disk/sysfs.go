package disk

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var usbPort = regexp.MustCompile(`/usb\d+/`)

// busOf goes by the place of the device in the tree below /sys, because the
// kernel's removable flag is 0 for built-in card slots and for USB disks. An
// mmc host may hang on USB, and NVMe with several paths lives among the
// virtual devices, so the order matters.
func busOf(place, name, kind string) Bus {
	switch {
	case strings.HasPrefix(name, "sr"), kind == "5": // SCSI type 5 is a CD drive
		return Optical
	case strings.Contains(place, "/floppy"):
		return Floppy
	case strings.Contains(place, "/nvme"):
		return NVMe
	case strings.Contains(place, "/devices/virtual/"):
		return Virtual
	case strings.Contains(place, "/mmc_host/") && strings.HasPrefix(kind, "SD"): // SD, or SDcombo
		return SD
	case strings.Contains(place, "/mmc_host/"):
		return EMMC
	case usbPort.MatchString(place):
		return USB
	case strings.Contains(place, "/ata"):
		return ATA
	}
	return Other
}

// serial is what the kernel itself knows, not udev, which writes its database
// a moment after the disk appears: a serial number that comes later would look
// like another card. For USB it is that of the reader.
func serial(sys string) string {
	for _, f := range []string{"device/cid", "device/serial", "serial"} {
		if s := text(sys, f); s != "" {
			return s
		}
	}
	dir, err := filepath.EvalSymlinks(sys)
	for ; err == nil && strings.Contains(dir, "/devices/"); dir = filepath.Dir(dir) {
		if text(dir, "idVendor") != "" { // the USB device
			return text(dir, "serial")
		}
	}
	return ""
}

func text(elem ...string) string { return strings.TrimSpace(string(bytes(elem...))) }

func bytes(elem ...string) []byte {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return nil // a fact that the kernel does not tell
	}
	return b
}

func number(elem ...string) int64 {
	n, _ := strconv.ParseInt(text(elem...), 10, 64) // unknown counts as 0
	return n
}

func children(elem ...string) []string {
	entries, _ := os.ReadDir(filepath.Join(elem...)) // no folder, no children
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// udev is what udev wrote down about a device number; empty without udev. The
// format is that of systemd's sd-device: lines "E:KEY=VALUE".
func udev(root, numbers string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text(root, "run/udev/data", "b"+numbers)) {
		if kv, ok := strings.CutPrefix(strings.TrimSpace(line), "E:"); ok {
			k, v, _ := strings.Cut(kv, "=")
			out[k] = v
		}
	}
	return out
}

var hexByte = regexp.MustCompile(`\\x[0-9a-fA-F]{2}`)

// label is the name of a file system. ID_FS_LABEL has an underscore for every
// odd byte; ID_FS_LABEL_ENC has them as \x20.
func label(u map[string]string) string {
	enc, ok := u["ID_FS_LABEL_ENC"]
	if !ok {
		return clean(u["ID_FS_LABEL"])
	}
	return clean(hexByte.ReplaceAllStringFunc(enc, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 8) // two digits by the expression
		return string([]byte{byte(n)})
	}))
}

// clean makes a text of a device fit for a terminal: what a card says about
// itself may be any bytes.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == ' ' {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(s), " ")
}
