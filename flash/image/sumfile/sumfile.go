// Package sumfile reads a SHA-256 in the forms in which people publish it.
//
// One line says one sum: as sha256sum(1) and shasum(1) print it (HASH  name,
// HASH *name, with \ before it when the name is escaped), with --tag and as
// BSD's sha256 does (SHA256 (name) = HASH), as openssl-dgst(1) does (SHA256(name)=
// HASH, SHA2-256(name)= HASH), as a Subresource Integrity string (sha256-BASE64,
// W3C), as Nix does (sha256:BASE32), or alone. With sha256sum --zero the line
// ends in a zero byte. PowerShell's Get-FileHash says it in a table or in a list,
// 7z h in a table with sizes, certutil on the line after the name, gpg
// --print-md in groups of eight digits. What PowerShell redirects into a file is
// UTF-16.
//
// Any other line that has one SHA-256 in hexadecimal, as a word of its own, and
// names no other kind of sum, is read as that sum and the name beside it: people
// write NAME: HASH, tables of Markdown, JSON and more. A sum that is read wrongly
// refuses an image; it never lets one pass.
package sumfile

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf16"
)

// Size is that of a SHA-256, in bytes.
const Size = 32

// Sum is the SHA-256 of one file. Name is "" where none is said.
type Sum struct {
	Name string
	Hash [Size]byte
}

// Base is the last part of the name, of a Windows path too; "" for none.
func (s Sum) Base() string {
	name := strings.TrimRight(s.Name, `/\`)
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// Parse reads all sums of a text, in order. What is no SHA-256 is passed over.
func Parse(data []byte) []Sum {
	var out []Sum
	var list, before string // the hash of a list that waits for its path; the name before the next line
	path := false           // the line before was the path of a list
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\n").Replace(decode(data))
	text = gpg.ReplaceAllStringFunc(text, ungroup)
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t")
		if more, ok := strings.CutPrefix(line, strings.Repeat(" ", 12)); ok && path { // it was too long for the window
			out[len(out)-1].Name += more
			continue
		}
		path = false
		if key, value, ok := property(line); ok {
			switch key {
			case "algorithm":
				list = ""
			case "hash":
				list = value
			case "path":
				if s, ok := one(list, value); ok {
					out = append(out[:len(out)-1], s) // the hash alone was taken for one
					path, list = true, ""
				}
				continue
			}
			line = value
		}
		if m := certutil.FindStringSubmatch(line); m != nil {
			before = m[1]
			continue
		}
		if s, ok := parseLine(line); ok {
			if s.Name == "" {
				s.Name = before
			}
			out = append(out, s)
		}
		before = ""
	}
	return out
}

var (
	tagged   = regexp.MustCompile(`^(\\?)([A-Za-z0-9/_-]*) ?\((.*)\) ?= ?(\S+)$`)
	certutil = regexp.MustCompile(`^SHA256 hash of (?:file )?(.*):$`)
	listed   = regexp.MustCompile(`^(?i:(Algorithm|Hash|Path))\s*:\s+(.*)$`)
	table    = regexp.MustCompile(`^"?SHA256"?[\s,]+"?([0-9A-Fa-f]{64})"?[\s,]+(.*)$`)
	prefixed = regexp.MustCompile(`^(?i:SHA-?256)[:= ]\s*(\S+)$`)
	pairs    = regexp.MustCompile(`^[0-9A-Fa-f]{2}([ :][0-9A-Fa-f]{2}){31}$`)
	sevenZip = regexp.MustCompile(`^([0-9A-Fa-f]{64}) +\d+ {2}(\S.*)$`)
	total    = regexp.MustCompile(`^[0-9A-Fa-f]{64} {3,}\d+$`) // the last line of 7z h
)

// property is a line of PowerShell's list form.
func property(line string) (key, value string, ok bool) {
	m := listed.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return strings.ToLower(m[1]), m[2], true
}

func parseLine(line string) (Sum, bool) {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" || trimmed[0] == '#' {
		return Sum{}, false
	}
	if m := tagged.FindStringSubmatch(trimmed); m != nil {
		if !isSHA256(m[2]) {
			return Sum{}, false
		}
		return one(m[4], unescaped(m[3], m[1] != ""))
	}
	if m := table.FindStringSubmatch(trimmed); m != nil {
		return one(m[1], strings.Trim(m[2], `"`))
	}
	if m := prefixed.FindStringSubmatch(trimmed); m != nil {
		return one(m[1], "")
	}
	if pairs.MatchString(trimmed) { // as certutil of Windows 7 prints it
		return one(strings.NewReplacer(" ", "", ":", "").Replace(trimmed), "")
	}
	if m := sevenZip.FindStringSubmatch(trimmed); m != nil {
		return one(m[1], m[2])
	}
	if total.MatchString(trimmed) {
		return Sum{}, false
	}
	escaped := strings.HasPrefix(trimmed, `\`)
	hash, name, _ := strings.Cut(strings.TrimPrefix(trimmed, `\`), " ")
	if h, n, ok := strings.Cut(strings.TrimPrefix(trimmed, `\`), "\t"); ok && len(h) < len(hash) {
		hash, name = h, n
	}
	name = strings.TrimLeft(name, " \t")
	if name != "" && strings.ContainsRune("*?", rune(name[0])) { // binary, portable
		name = name[1:]
	}
	if s, ok := one(hash, unescaped(name, escaped)); ok {
		return s, true
	}
	return somewhere(trimmed)
}

func isSHA256(algorithm string) bool {
	switch strings.ToUpper(algorithm) {
	case "SHA256", "SHA2-256", "SHA-256", "": // openssl before 1.0 names none for what it reads from a pipe
		return true
	}
	return false
}

// unescaped undoes what sha256sum does to names with \ or the end of a line.
func unescaped(name string, escaped bool) string {
	if escaped {
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	}
	return name
}

// one is a sum of a file. "-" and stdin are no names, and a path that a table
// has cut says none.
func one(hash, name string) (Sum, bool) {
	b, ok := Hash(hash)
	if name == "-" || name == "stdin" || strings.HasSuffix(name, "...") || strings.HasSuffix(name, "…") {
		name = ""
	}
	return Sum{name, b}, ok
}

// Hash reads a SHA-256 alone: in hexadecimal, in base64 with or without
// "sha256-" before it, or in the base 32 of Nix, with or without "sha256:".
func Hash(text string) (h [Size]byte, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) > 7 && strings.EqualFold(text[:6], "sha256") && strings.ContainsRune("-:=", rune(text[6])) {
		text, _, _ = strings.Cut(text[7:], "?") // the options of Subresource Integrity
	}
	if len(text) == 3*Size-1 {
		text = strings.ReplaceAll(text, ":", "") // openssl dgst -c
	}
	var b []byte
	var err error
	switch len(text) {
	case 2 * Size:
		b, err = hex.DecodeString(text)
	case 44, 43:
		b, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimSuffix(text, "="))
	case 52:
		return nixBase32(text)
	}
	return [Size]byte(append(b, make([]byte, Size)...)), err == nil && len(b) == Size
}

// nixBase32 undoes the base 32 of Nix (its printHash32: five bits a digit, the
// last digit first, without e, o, t and u).
func nixBase32(text string) (h [Size]byte, ok bool) {
	for i := range len(text) {
		digit := strings.IndexByte("0123456789abcdfghijklmnpqrsvwxyz", text[i])
		if digit < 0 {
			return h, false
		}
		bit := (len(text) - 1 - i) * 5
		at, shift := bit/8, bit%8
		h[at] |= byte(digit << shift)
		if rest := digit >> (8 - shift); at+1 < Size {
			h[at+1] |= byte(rest)
		} else if rest != 0 {
			return h, false
		}
	}
	return h, true
}

// decode gives a text as UTF-8, whatever Windows made of it.
func decode(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return wide(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return wide(b[2:], binary.BigEndian)
	case len(b) > 3 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
		return wide(b, binary.LittleEndian)
	case len(b) > 3 && b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		return wide(b, binary.BigEndian)
	}
	return strings.TrimPrefix(string(b), "\ufeff")
}

func wide(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
