// Package clean makes texts from outside safe to show: the one place where
// that is done. Names of networks, disks and files, comments of keys, words of
// errors and lines of logs are other people's, and a terminal obeys what is in
// them: an escape sequence sets the title, writes the clipboard or wipes the
// page; a character that turns the direction of text, or that nobody sees,
// makes a name look like another.
//
// Rules: engines pass on what they read as it is, for it may be an answer that
// is saved; whoever draws or prints cleans, at that moment and nowhere before.
// A name is cleaned by Name, a line of a log by Line, what has several lines
// (a sentence, an error, a file) by Text. A whole picture goes through Drawn,
// which is the net below: it lets through nothing but the colours that piwiz
// itself draws with. JSON is for programs and loses nothing: see JSON.
//
// The halves have no use for this package: they draw nothing. What nixgen/nix
// does to the log of Nix is reading it, and what flash/grant does to its few
// words is for a process that links nothing of this.
package clean

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// MaxWidth is how many cells of a line are kept. No terminal is wider, and a
// line without an end must not fill the memory.
const MaxWidth = 500

// maxBytes bounds the work on one line.
const maxBytes = 16 << 10

const tabStop = 8

// Line cleans a line of a log: no escape sequences, no control or invisible
// characters (among them those that turn the direction of text), valid UTF-8,
// tabs as blanks, at most MaxWidth cells. Of a progress line that rewrites
// itself by carriage returns the last state stays. Cleaning twice changes
// nothing.
func Line(line string) string {
	if len(line) <= MaxWidth && plain(line) {
		return line
	}
	line = strings.TrimRight(strip(bounded(line), sequence), "\r\n")
	line = visible(line[strings.LastIndexByte(line, '\r')+1:])
	if len(line) > MaxWidth {
		line = ansi.Truncate(line, MaxWidth, "…")
	}
	return strings.TrimRight(strings.Clone(line), " ")
}

// Text cleans each line of a text, in which words from outside may stand
// between our own: nothing that is in them hides those before or after. So a
// carriage return is a blank, and of sequences only those are taken out whole
// that are made of numbers and a letter, as colours are. A command in it is not
// cut.
func Text(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if !plain(l) || len(l) > maxBytes {
			l = strip(strings.TrimRight(bounded(l), "\r"), numbered)
			l = visible(strings.ReplaceAll(l, "\r", " "))
			lines[i] = strings.TrimRight(strings.ToValidUTF8(bounded(l), ""), " ") // tabs made it longer
		}
	}
	return strings.Join(lines, "\n")
}

func bounded(s string) string { return s[:min(len(s), maxBytes)] }

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
func strip(s string, sequence func(string) int) string {
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

// numbered returns the length of a sequence of numbers and a letter, or 1.
func numbered(s string) int {
	for i := 2; i < len(s) && s[1] == '['; i++ {
		switch c := s[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1
		case c != ';' && c != ':' && (c < '0' || c > '9'):
			return 1
		}
	}
	return 1
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

// Name cleans what others have named: one line, in which a question mark
// stands for whatever cannot be seen, so that no name looks like another and
// none looks empty. Blanks stay.
func Name(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || hidden(r) {
			return '?'
		}
		return r
	}, bounded(name))
	return ansi.Truncate(name, MaxWidth, "…")
}

// Drawn lets a picture through: lines of text, and the sequences that set
// colours and weights (SGR, ECMA-48 section 8.3.117). All else that a terminal
// could obey is taken out.
func Drawn(picture string) string {
	var b strings.Builder
	b.Grow(len(picture))
	for i := 0; i < len(picture); {
		if n := colour(picture[i:]); n > 0 {
			b.WriteString(picture[i : i+n])
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(picture[i:])
		if r == '\n' || !hidden(r) && !(r == utf8.RuneError && n == 1) {
			b.WriteString(picture[i : i+n])
		}
		i += n
	}
	return b.String()
}

// colour returns the length of the SGR sequence that s begins with, 0 for none.
func colour(s string) int {
	if s[0] != 0x1b {
		return 0
	}
	if n := numbered(s); s[n-1] == 'm' {
		return n
	}
	return 0
}

// JSON writes the characters of encoded JSON that a terminal obeys, or that
// nobody sees, as escapes (RFC 8259, section 7). Its meaning stays the same.
func JSON(encoded []byte) []byte {
	out := make([]byte, 0, len(encoded))
	for _, r := range string(encoded) {
		switch {
		case !hidden(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// hidden are the characters that act on a terminal, have no picture, break the
// line, or turn the direction of the text around them.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Variation_Selector) || r == '\u3164'
}

// visible keeps what can be seen, and replaces what cannot be read by ?.
func visible(s string) string {
	if plain(s) {
		return s
	}
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
		case hidden(r):
			continue
		}
		b.WriteRune(r)
		column++
	}
	return b.String()
}
