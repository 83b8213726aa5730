// Package clean makes the output of programs safe to show.
//
// Rule: what leaves it has no escape sequences (ECMA-48) and no control
// characters but newlines.
package clean

import (
	"unicode"
	"unicode/utf8"
)

// Text takes escape sequences and control characters out of a text, so that a
// builder's output cannot move the cursor, change a colour, set the title or
// write the clipboard. Newlines stay, a tab becomes spaces, bytes that are no
// UTF-8 become U+FFFD. Of "10%\r50%" the last text stays, as on a terminal.
func Text(s string) string {
	if plain(s) {
		return s
	}
	buf := make([]byte, 0, len(s))
	start := 0 // of the present line in buf
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == 0x1b:
			i = skipEscape(s, i)
			continue
		case c == '\r' && i+1 < len(s) && s[i+1] != '\n' && s[i+1] != '\r':
			buf = buf[:start]
		case c == '\n':
			buf = append(buf, '\n')
			start = len(buf)
		case c == '\t':
			buf = append(buf, "    "...)
		case c < 0x20 || c == 0x7f:
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if !hidden(r) {
				buf = utf8.AppendRune(buf, r)
			}
			i += n
			continue
		}
		i++
	}
	return string(buf)
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			return plainRunes(s[i:])
		}
	}
	return true
}

func plainRunes(s string) bool {
	for _, r := range s {
		if r != '\n' && (r == utf8.RuneError || hidden(r)) {
			return false
		}
	}
	return true
}

// hidden runes act on a terminal, break the line where we do not, or turn the
// direction of the text around them.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// skipEscape returns the index after the escape sequence that begins at i.
// Source: ECMA-48. A sequence ends at the latest where the line does: a missing
// end must not hide the rest of a message.
func skipEscape(s string, i int) int {
	i++
	if i >= len(s) {
		return i
	}
	switch s[i] {
	case '[': // ESC [ parameters final
		for i++; i < len(s) && s[i] >= 0x20 && s[i] <= 0x3f; i++ {
		}
		return final(s, i, 0x40)
	case ']', 'P', 'X', '^', '_': // ESC ] text BEL, or text and the next ESC
		for i++; i < len(s) && s[i] != '\n' && s[i] != 0x1b; i++ {
			if s[i] == 0x07 {
				return i + 1
			}
		}
		return i
	}
	for ; i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f; i++ { // ESC ( B
	}
	return final(s, i, 0x30)
}

// final is the index after the last byte of a sequence, when there is one.
func final(s string, i int, from byte) int {
	if i < len(s) && s[i] >= from && s[i] <= 0x7e {
		return i + 1
	}
	return i
}
