// Package facts reads what the kernel and udev tell about disks, and judges
// nothing: files of sysfs (kernel, Documentation/ABI/testing/sysfs-block and
// sysfs-class-mmc), the mount and swap tables (proc(5)), udev's database and
// the note of the boot loader.
package facts

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Text is what a file of sysfs says, without the space around it; "" when the
// kernel does not tell.
func Text(elem ...string) string { return strings.TrimSpace(string(bytes(elem...))) }

func bytes(elem ...string) []byte {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return nil // not told
	}
	return b
}

// Number is Text as a whole number, in the file's own unit; 0 when unknown, and
// when it is none that the kernel could mean.
func Number(elem ...string) int64 { return number(Text(elem...)) }

// Bytes is a size in sectors, which in sysfs always have 512 bytes, as bytes.
func Bytes(elem ...string) int64 {
	n := Number(elem...)
	if n > math.MaxInt64/512 {
		return 0
	}
	return n * 512
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 { // what is too large comes with a number too
		return 0
	}
	return n
}

// Children are the names in a folder, sorted; none when there is no folder.
func Children(elem ...string) []string {
	entries, _ := os.ReadDir(filepath.Join(elem...))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Udev is what udev wrote down about a device number; empty without udev. The
// format is that of systemd's sd-device: lines "E:KEY=VALUE".
func Udev(root, numbers string) map[string]string {
	return udev(Text(root, "run/udev/data", "b"+numbers))
}

func udev(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if kv, ok := strings.CutPrefix(strings.TrimSpace(line), "E:"); ok {
			k, v, _ := strings.Cut(kv, "=")
			out[k] = v
		}
	}
	return out
}

var hexByte = regexp.MustCompile(`\\x[0-9a-fA-F]{2}`)

// Label is the name of a file system. ID_FS_LABEL has an underscore for every
// odd byte; ID_FS_LABEL_ENC has them as \x20.
func Label(u map[string]string) string {
	enc, ok := u["ID_FS_LABEL_ENC"]
	if !ok {
		return Clean(u["ID_FS_LABEL"])
	}
	return Clean(hexByte.ReplaceAllStringFunc(enc, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 8) // two digits by the expression
		return string([]byte{byte(n)})
	}))
}

// Clean makes a text of a device fit for a terminal: what a card says about
// itself may be any bytes.
func Clean(s string) string {
	return strings.Join(strings.Fields(Printable(strings.ToValidUTF8(s, "?"))), " ")
}

// Printable takes out what could play tricks on a terminal: names of programs,
// of mount points and of devices are other people's.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
