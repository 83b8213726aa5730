package logpane

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// MaxWidth is how many cells of a line are kept. No terminal is wider, and a
// line without an end must not fill the memory.
const MaxWidth = 500

// maxBytes bounds the work on one line.
const maxBytes = 16 << 10

const tabStop = 8

// Clean makes a line from outside safe to show: no escape sequences, no
// control or invisible characters (among them those that turn the direction
// of text), valid UTF-8, tabs as blanks, at most MaxWidth cells. Of a
// progress line that rewrites itself by carriage returns the last state
// stays. Cleaning twice changes nothing.
func Clean(line string) string {
	if len(line) <= MaxWidth && plain(line) {
		return line
	}
	if len(line) > maxBytes {
		line = line[:maxBytes]
	}
	line = strings.TrimRight(strip(line), "\r\n")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	if !plain(line) {
		line = visible(line)
	}
	if len(line) > MaxWidth {
		line = ansi.Truncate(line, MaxWidth, "…")
	}
	return strings.TrimRight(strings.Clone(line), " ")
}

// plain tells that there is nothing to clean: printable ASCII, no blank at
// the end.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return !strings.HasSuffix(s, " ")
}

// strip takes out escape sequences (ECMA-48, section 5.4 and 5.6). One that
// does not end loses only its first bytes, so that it cannot hide the rest
// of the line.
func strip(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, 0x1b)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i+sequence(s[i:]):]
	}
}

// sequence returns the length of the escape sequence that s begins with.
func sequence(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch c := s[1]; {
	case c == '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				break
			}
		}
		return 2
	case strings.IndexByte("]PX^_", c) >= 0:
		for i := 2; i < len(s); i++ {
			switch {
			case s[i] == 0x07:
				return i + 1
			case s[i] == 0x1b:
				if i+1 < len(s) && s[i+1] == '\\' {
					return i + 2
				}
				return i
			}
		}
		return 2
	case c >= 0x20 && c <= 0x2f && len(s) > 2 && s[2] >= 0x30 && s[2] <= 0x7e:
		return 3
	case c >= 0x20 && c <= 0x7e:
		return 2
	}
	return 1
}

// visible keeps what can be seen, and replaces what cannot be read by ?.
func visible(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	column := 0
	for i, r := range s {
		switch {
		case r == '\t':
			n := tabStop - column%tabStop
			b.WriteString(strings.Repeat(" ", n))
			column += n
			continue
		case r == '\n', unicode.In(r, unicode.Zl, unicode.Zp):
			r = ' '
		case r == utf8.RuneError:
			// the replacement character is kept, a broken byte is not
			if !strings.HasPrefix(s[i:], "\uFFFD") {
				r = '?'
			}
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector), r == '\u3164':
			continue
		}
		b.WriteRune(r)
		column++
	}
	return b.String()
}
