// Package scan reads the JSON that Nix writes in its log: strings, whole numbers,
// null, and lists of these, without spaces.
//
// Rule: it reads what it is sure of, as encoding/json does, and gives up on the
// rest (Bad): whoever asks it has another reader for that.
package scan

import (
	"bytes"
	"encoding/json"

	"piwiz/nixgen/nix/clean"
)

// Field is one value of a Start or a Result: text or a number.
type Field struct {
	Text string
	Num  int64
}

// Scanner reads values off in from at on. bad says that it met something that
// is not its business.
type Scanner struct {
	in  []byte
	at  int
	bad bool
}

// New reads the values in a text.
func New(in []byte) Scanner { return Scanner{in: in} }

// Bad tells whether there was something that the scanner does not read.
func (s *Scanner) Bad() bool { return s.bad }

// AtEnd tells whether all was read.
func (s *Scanner) AtEnd() bool { return s.at == len(s.in) }

// peek is the next byte, 0 at the end.
func (s *Scanner) peek() byte {
	if s.at >= len(s.in) {
		return 0
	}
	return s.in[s.at]
}

// Take reads a byte, if it is the next.
func (s *Scanner) Take(c byte) bool {
	if s.peek() != c || c == 0 {
		return false
	}
	s.at++
	return true
}

// Key reads "NAME": without any escape in it.
func (s *Scanner) Key() []byte {
	value, escaped := s.quoted()
	if escaped || len(value) < 2 || !s.Take(':') {
		s.bad = true
		return nil
	}
	return value[1 : len(value)-1]
}

// Other skips the value of a key that only a newer Nix knows. Keys are small
// letters: encoding/json would take "ID" for "id".
func (s *Scanner) Other(key []byte) {
	for _, c := range key {
		if c != '_' && (c < 'a' || c > 'z') {
			s.bad = true
		}
	}
	switch s.peek() {
	case '[':
		s.List()
	default:
		s.value()
	}
}

// quoted reads a string with its quotation marks, and says whether it has
// escapes.
func (s *Scanner) quoted() (value []byte, escaped bool) {
	begin := s.at
	if s.Take('"') {
		for ; s.at < len(s.in); s.at++ {
			switch c := s.in[s.at]; {
			case c == '"':
				s.at++
				return s.in[begin:s.at], escaped
			case c == '\\':
				escaped = true
				s.at++
			case c < 0x20:
				s.bad = true
				return nil, false
			}
		}
	}
	s.bad = true
	return nil, false
}

// Text reads a string or, for null, leaves what was.
func (s *Scanner) Text(was string) string {
	if s.null() {
		return was
	}
	value, escaped := s.quoted()
	switch {
	case s.bad:
		return ""
	case !escaped:
		return string(value[1 : len(value)-1])
	}
	out, ok := unescape(value)
	if !ok && json.Unmarshal(value, &out) != nil {
		s.bad = true
	}
	return out
}

// unescape takes the escapes out that Nix writes often: of colours, quotation
// marks and newlines.
func unescape(value []byte) (string, bool) {
	out := make([]byte, 0, len(value))
	for in := value[1 : len(value)-1]; len(in) > 0; {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			out = append(out, in...)
			break
		}
		out, in = append(out, in[:i]...), in[i:]
		c, n := byte(0), 2
		switch {
		case in[1] == '"' || in[1] == '\\':
			c = in[1]
		case in[1] == 'n':
			c = '\n'
		case in[1] == 't':
			c = '\t'
		case bytes.HasPrefix(in, []byte(`\u001b`)):
			c, n = 0x1b, 6
		default:
			return "", false
		}
		out, in = append(out, c), in[n:]
	}
	return string(out), true
}

// Word reads one of the known words without making a string of it, or any other
// text.
func (s *Scanner) Word(was string, known ...string) string {
	for _, w := range known {
		if n := len(w) + 2; len(s.in)-s.at >= n && string(s.in[s.at+1:s.at+n-1]) == w && s.in[s.at] == '"' && s.in[s.at+n-1] == '"' {
			s.at += n
			return w
		}
	}
	return s.Text(was)
}

func (s *Scanner) null() bool {
	if len(s.in)-s.at >= 4 && string(s.in[s.at:s.at+4]) == "null" {
		s.at += 4
		return true
	}
	return false
}

// Whole reads a number from 0 on of at most 18 digits, or leaves what was for
// null.
func (s *Scanner) Whole(was int64) int64 {
	if s.null() {
		return was
	}
	begin := s.at
	var n int64
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		n = n*10 + int64(s.in[s.at]-'0')
		s.at++
		if s.at-begin > 18 {
			break
		}
	}
	digits := s.at - begin
	if digits == 0 || digits > 18 || digits > 1 && s.in[begin] == '0' {
		s.bad = true
	}
	return n
}

// Signed is Whole, perhaps behind a minus sign.
func (s *Scanner) Signed(was int64) int64 {
	if !s.Take('-') {
		return s.Whole(was)
	}
	if s.peek() == 'n' {
		s.bad = true // "-null"
	}
	return -s.Whole(0)
}

// Kind reads the number of an activity or a result. A name instead is one of a
// newer Nix: unknown, 0.
func (s *Scanner) Kind() int {
	if s.peek() == '"' {
		s.Text("")
		return 0
	}
	return int(s.Signed(0))
}

func (s *Scanner) value() (f Field) {
	if s.peek() == '"' {
		f.Text = clean.Text(s.Text(""))
	} else {
		f.Num = s.Signed(0)
	}
	return f
}

// List reads a list of texts and numbers; nil for null.
func (s *Scanner) List() []Field {
	if s.null() {
		return nil
	}
	if !s.Take('[') {
		s.bad = true
		return nil
	}
	if s.Take(']') {
		return nil
	}
	out := make([]Field, 0, 4) // as many as Nix writes
	for !s.bad {
		out = append(out, s.value())
		if s.Take(']') {
			return out
		}
		if !s.Take(',') {
			s.bad = true
		}
	}
	return nil
}
