package nix

import (
	"unicode"
	"unicode/utf8"
)

// Clean takes escape sequences and control characters out of a line, so that a
// builder's output cannot move the cursor or change a colour. Newlines stay, a
// tab becomes spaces, bytes that are no UTF-8 become U+FFFD. Of "10%\r50%" the
// last text stays, as on a terminal.
func Clean(s string) string {
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
	for _, r := range s {
		if r != '\n' && (r == utf8.RuneError || hidden(r)) {
			return false
		}
	}
	return true
}

// hidden runes act on a terminal or turn the direction of the text around it.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// skipEscape returns the index after the escape sequence that begins at i:
// ESC [ ... final (ECMA-48), ESC ] ... BEL or ST, or ESC and one byte.
func skipEscape(s string, i int) int {
	i++
	if i >= len(s) {
		return i
	}
	switch s[i] {
	case '[':
		for i++; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
	case ']':
		for i++; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b {
				return min(i+2, len(s))
			}
		}
	default:
		return i + 1
	}
	return i
}
