package bootfs

import (
	"strings"
	"unicode/utf16"
)

const (
	attrVolume = 0x08
	attrDir    = 0x10
	attrFile   = 0x20
	attrLong   = 0x0f
	deleted    = 0xe5
	lowerName  = 0x08 // byte 12: the name is in lower case
	lowerExt   = 0x10
)

// longAt is where the 13 characters of a long-name slot are.
var longAt = [13]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}

// dir is a directory as a row of slots of 32 bytes.
type dir struct {
	v        *volume
	first    uint32 // 0 for the fixed root of FAT12 and FAT16
	clusters []uint32
}

func (v *volume) openDir(c uint32) (*dir, error) {
	if c == 0 {
		c = v.root
	}
	chain, err := v.chain(c)
	if err == nil && v.loaded != nil && !v.loaded(v, chain) {
		err = ErrIncomplete
	}
	return &dir{v, c, chain}, err
}

func (d *dir) slots() int {
	if d.first == 0 {
		return d.v.rootSlots
	}
	return len(d.clusters) * d.v.cluster / 32
}

func (d *dir) place(i int) int {
	if d.first == 0 {
		return d.v.rootOff + i*32
	}
	per := d.v.cluster / 32
	return d.v.place(d.clusters[i/per]) + i%per*32
}

func (d *dir) slot(i int) []byte   { return d.v.b[d.place(i):][:32] }
func (d *dir) change(i int) []byte { return d.v.edit(d.place(i), 32) }

// entry is one file or folder of a directory.
type entry struct {
	name    string // the long name, else the short one
	short   string // 11 characters as stored
	dir     bool
	size    uint32
	cluster uint32
	at      int // slot of the short name
}

// long gathers the slots of a long name, which come last part first.
type long struct {
	text []uint16
	next int
	sum  byte
}

func (l *long) add(s []byte) {
	n := int(s[0] & 0x3f)
	if s[0]&0x40 != 0 {
		*l = long{make([]uint16, 13*n), n, s[13]}
	}
	if n == 0 || n != l.next || s[13] != l.sum {
		*l = long{}
		return
	}
	for k, at := range longAt {
		l.text[(n-1)*13+k] = le.Uint16(s[at:])
	}
	l.next--
}

func (l *long) name(short []byte) (string, bool) {
	if l.text == nil || l.next != 0 || checksum(short) != l.sum {
		return "", false
	}
	n := 0
	for n < len(l.text) && l.text[n] != 0 {
		n++
	}
	return string(utf16.Decode(l.text[:n])), true
}

func checksum(short []byte) (sum byte) {
	for _, c := range short[:11] {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

func (d *dir) list() []entry {
	var out []entry
	var l long
	for i := range d.slots() {
		s := d.slot(i)
		switch {
		case s[0] == 0:
			return out
		case s[0] == deleted:
			l = long{}
		case s[11]&0x3f == attrLong:
			l.add(s)
		case s[11]&attrVolume != 0:
			l = long{}
		default:
			e := entry{name: shortName(s), short: string(s[:11]), dir: s[11]&attrDir != 0, size: le.Uint32(s[28:]), cluster: uint32(le.Uint16(s[26:])), at: i}
			if d.v.bits == 32 {
				e.cluster |= uint32(le.Uint16(s[20:])) << 16
			}
			if name, ok := l.name(s); ok {
				e.name = name
			}
			l = long{}
			out = append(out, e)
		}
	}
	return out
}

// shortName is the 8.3 name as people write it.
func shortName(s []byte) string {
	base, ext := strings.TrimRight(string(s[:8]), " "), strings.TrimRight(string(s[8:11]), " ")
	if s[12]&lowerName != 0 {
		base = strings.ToLower(base)
	}
	if s[12]&lowerExt != 0 {
		ext = strings.ToLower(ext)
	}
	if ext != "" {
		base += "." + ext
	}
	return base
}

func (d *dir) find(name string) (entry, bool) {
	for _, e := range d.list() {
		plain := shortName([]byte(e.short + "\x00\x00"))
		if strings.EqualFold(e.name, name) || strings.EqualFold(plain, name) {
			return e, true
		}
	}
	return entry{}, false
}
