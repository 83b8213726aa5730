// Package binfmt reads the kernel's table of emulators. Source: the kernel's
// Documentation/admin-guide/binfmt-misc.rst.
package binfmt

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// Dir is where the kernel shows its table.
const Dir = "/proc/sys/fs/binfmt_misc"

// Table is what the kernel's table says about one kind of program.
type Table struct {
	Absent  bool // there is no folder to mount it on
	Mounted bool
	Off     bool    // the whole table is switched off
	Entries []Entry // those for that program, in the order in which the kernel asks them
}

// Entry is one emulator. Its name says nothing: NixOS says aarch64-linux,
// Debian qemu-aarch64.
type Entry struct {
	Name, Interpreter, Flags string
	Enabled                  bool
	offset                   int
	magic, mask              []byte
}

// Read reads the entries for a program from the table that is mounted on dir.
// The kernel lists the newest entry first and asks in the same order, so the
// order of the folder is kept.
func Read(dir string, program []byte) (Table, error) {
	t := Table{}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Table{Absent: true}, nil
	}
	if err != nil {
		return t, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return t, err
	}
	for _, n := range names {
		switch n {
		case "register":
		case "status":
			text, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				return t, err
			}
			t.Mounted, t.Off = true, strings.TrimSpace(string(text)) == "disabled"
		default:
			text, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				continue // it was removed just now
			}
			if e := Parse(n, string(text)); e.Matches(program) {
				t.Entries = append(t.Entries, e)
			}
		}
	}
	return t, nil
}

// Used is the entry that the kernel takes: the newest that is switched on, else
// the newest.
func (t Table) Used() Entry {
	for _, e := range t.Entries {
		if e.Enabled {
			return e
		}
	}
	if len(t.Entries) > 0 {
		return t.Entries[0]
	}
	return Entry{}
}

// Parse reads an entry as the kernel shows it.
func Parse(name, text string) Entry {
	e := Entry{Name: name}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "enabled":
			e.Enabled = true
		case "interpreter":
			e.Interpreter = value
		case "flags:":
			e.Flags = value
		case "offset":
			e.offset, _ = strconv.Atoi(value) // the kernel writes numbers
		case "magic":
			e.magic, _ = hex.DecodeString(value) // likewise
		case "mask":
			e.mask, _ = hex.DecodeString(value)
		}
	}
	return e
}

// Matches tells whether an entry is for programs like this file.
func (e Entry) Matches(file []byte) bool {
	if len(e.magic) == 0 || e.offset < 0 || e.offset > len(file)-len(e.magic) {
		return false
	}
	for i, m := range e.magic {
		mask := byte(0xff) // the kernel shows none when every bit counts
		if i < len(e.mask) {
			mask = e.mask[i]
		}
		if (m^file[e.offset+i])&mask != 0 {
			return false
		}
	}
	return true
}

// Has tells whether an entry has a flag.
func (e Entry) Has(flag string) bool { return strings.Contains(e.Flags, flag) }

// Printable takes out what could play tricks on a terminal: names and paths in
// the table are other people's.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
