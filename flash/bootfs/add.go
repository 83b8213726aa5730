package bootfs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// add makes an entry, in a row of free slots; a directory that is full grows.
func (d *dir) add(name string, attr byte, cluster, size uint32) error {
	if err := checkName(name); err != nil {
		return err
	}
	short, nt, needLong := d.shortFor(name)
	text := utf16.Encode([]rune(name))
	parts := 0
	if needLong {
		parts = (len(text) + 12) / 13
	}
	at, err := d.room(parts + 1)
	if err != nil {
		return err
	}
	for n := parts; n >= 1; n-- {
		s := d.change(at + parts - n)
		clear(s)
		s[0], s[11], s[13] = byte(n), attrLong, checksum([]byte(short))
		if n == parts {
			s[0] |= 0x40
		}
		for k, p := range longAt {
			c := uint16(0xffff)
			if i := (n-1)*13 + k; i < len(text) {
				c = text[i]
			} else if i == len(text) {
				c = 0
			}
			le.PutUint16(s[p:], c)
		}
	}
	s := d.change(at + parts)
	clear(s)
	copy(s, short)
	s[11], s[12] = attr, nt
	le.PutUint16(s[14:], d.v.time16)
	le.PutUint16(s[16:], d.v.date)
	d.v.point(s, cluster, size)
	return nil
}

// point sets where a file is, how long it is and when that was.
func (v *volume) point(s []byte, cluster, size uint32) {
	le.PutUint16(s[26:], uint16(cluster))
	if v.bits == 32 {
		le.PutUint16(s[20:], uint16(cluster>>16))
	}
	le.PutUint32(s[28:], size)
	le.PutUint16(s[18:], v.date)
	le.PutUint16(s[22:], v.time16)
	le.PutUint16(s[24:], v.date)
}

// room finds n free slots in a row.
func (d *dir) room(n int) (int, error) {
	for {
		run := 0
		for i := range d.slots() {
			if s := d.slot(i); s[0] != 0 && s[0] != deleted {
				run = 0
				continue
			}
			if run++; run == n {
				return i - n + 1, nil
			}
		}
		if d.first == 0 {
			return 0, errors.New("the firmware partition's main folder is full")
		}
		more, err := d.v.allocate(1)
		if err != nil {
			return 0, err
		}
		clear(d.v.fill(more[0]))
		d.clusters = append(d.clusters, more[0])
		d.v.link(d.clusters)
	}
}

func checkName(n string) error {
	bad := n == "" || n == "." || n == ".." || strings.HasSuffix(n, ".") || strings.TrimSpace(n) != n || len(utf16.Encode([]rune(n))) > 255 ||
		strings.ContainsFunc(n, func(r rune) bool { return r < ' ' || r == 0xfffd || strings.ContainsRune(`"*/:<>?\|`, r) })
	if bad {
		return fmt.Errorf("a FAT partition cannot hold a file named %q", n)
	}
	return nil
}

const shortChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~"

// fit is a part of a name in the short alphabet, and whether it lost anything.
func fit(s string, n int) (string, bool) {
	var out []byte
	lost := false
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == ' ' || r == '.':
			lost = true
		case r > '~' || !strings.ContainsRune(shortChars, r):
			lost = true
			out = append(out, '_')
		default:
			out = append(out, byte(r))
		}
	}
	if len(out) > n {
		return string(out[:n]), true
	}
	return string(out), lost
}

// shortFor gives the short name of 11 characters, the case bits, and whether
// a long name is needed as well.
func (d *dir) shortFor(name string) (short string, nt byte, needLong bool) {
	used := map[string]bool{}
	for _, e := range d.list() {
		used[e.short] = true
	}
	base, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		base, ext = name[:i], name[i+1:]
	}
	b, lostBase := fit(base, 8)
	x, lostExt := fit(ext, 3)
	short = fmt.Sprintf("%-8s%-3s", b, x)
	lossy := lostBase || lostExt || b == "" || used[short]
	for i := 1; lossy; i++ {
		tail := fmt.Sprintf("~%d", i)
		short = fmt.Sprintf("%-8s%-3s", b[:min(len(b), 8-len(tail))]+tail, x)
		if !used[short] {
			return short, 0, true
		}
	}
	if mixed(base) || mixed(ext) {
		return short, 0, true
	}
	if base != strings.ToUpper(base) {
		nt |= lowerName
	}
	if ext != strings.ToUpper(ext) {
		nt |= lowerExt
	}
	return short, nt, false
}

func mixed(s string) bool { return s != strings.ToUpper(s) && s != strings.ToLower(s) }
