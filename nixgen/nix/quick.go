package nix

import (
	"bytes"
	"encoding/json"
)

// quick decodes the JSON that Nix really writes: one flat object without
// spaces, of strings, whole numbers, null and one list of these. It gives up on
// everything else, and thorough decides. A download writes 170 lines per MiB,
// and encoding/json takes five times as long for them.
func quick(body []byte) (Event, bool) {
	s := scanner{in: body}
	var e Event
	var kind int
	var text, msg, raw string
	if !s.take('{') {
		return e, false
	}
	for !s.bad {
		switch key := s.key(); string(key) {
		case "action":
			e.Action = s.action(e.Action)
		case "id":
			e.ID = uint64(s.whole(int64(e.ID)))
		case "parent":
			e.Parent = uint64(s.whole(int64(e.Parent)))
		case "type":
			kind = s.kind()
		case "level":
			e.Level = Level(s.signed(int64(e.Level)))
		case "text":
			text = s.text(text)
		case "msg":
			msg = s.text(msg)
		case "raw_msg":
			raw = s.text(raw)
		case "file":
			e.File = s.text(e.File)
		case "line":
			e.Line = int(s.signed(int64(e.Line)))
		case "column":
			e.Column = int(s.signed(int64(e.Column)))
		case "fields":
			e.Fields = s.list()
		default:
			s.other(key)
		}
		if s.take(',') {
			continue
		}
		if !s.take('}') || s.at != len(s.in) {
			return e, false
		}
		break
	}
	if s.bad {
		return e, false
	}
	return assemble(e, kind, Clean(text), Clean(msg), Clean(raw))
}

// scanner reads values off in from at on. bad says that it met something that
// is not its business.
type scanner struct {
	in  []byte
	at  int
	bad bool
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at >= len(s.in) {
		return 0
	}
	return s.in[s.at]
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || c == 0 {
		return false
	}
	s.at++
	return true
}

// key reads "NAME": without any escape in it.
func (s *scanner) key() []byte {
	value, escaped := s.quoted()
	if escaped || len(value) < 2 || !s.take(':') {
		s.bad = true
		return nil
	}
	return value[1 : len(value)-1]
}

// other skips the value of a key that only a newer Nix knows. Keys are small
// letters: encoding/json would take "ID" for "id".
func (s *scanner) other(key []byte) {
	for _, c := range key {
		if c != '_' && (c < 'a' || c > 'z') {
			s.bad = true
		}
	}
	switch s.peek() {
	case '[':
		s.list()
	default:
		s.value()
	}
}

// quoted reads a string with its quotation marks, and says whether it has
// escapes.
func (s *scanner) quoted() (value []byte, escaped bool) {
	begin := s.at
	if s.take('"') {
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

// text reads a string or, for null, leaves what was.
func (s *scanner) text(was string) string {
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

// action spares the string of an action that is known.
func (s *scanner) action(was Action) Action {
	for _, a := range []Action{Result, Start, Stop, Msg} {
		if n := len(a) + 2; len(s.in)-s.at >= n && string(s.in[s.at+1:s.at+n-1]) == string(a) && s.in[s.at] == '"' && s.in[s.at+n-1] == '"' {
			s.at += n
			return a
		}
	}
	return Action(s.text(string(was)))
}

func (s *scanner) null() bool {
	if len(s.in)-s.at >= 4 && string(s.in[s.at:s.at+4]) == "null" {
		s.at += 4
		return true
	}
	return false
}

// whole reads a number from 0 on of at most 18 digits, or leaves what was for
// null.
func (s *scanner) whole(was int64) int64 {
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

func (s *scanner) signed(was int64) int64 {
	if !s.take('-') {
		return s.whole(was)
	}
	if s.peek() == 'n' {
		s.bad = true // "-null"
	}
	return -s.whole(0)
}

// kind reads the number of an activity or a result. A name instead is one of a
// newer Nix: unknown, 0.
func (s *scanner) kind() int {
	if s.peek() == '"' {
		s.text("")
		return 0
	}
	return int(s.signed(0))
}

func (s *scanner) value() (f Field) {
	if s.peek() == '"' {
		f.Text = Clean(s.text(""))
	} else {
		f.Num = s.signed(0)
	}
	return f
}

func (s *scanner) list() []Field {
	if s.null() {
		return nil
	}
	if !s.take('[') {
		s.bad = true
		return nil
	}
	if s.take(']') {
		return nil
	}
	out := make([]Field, 0, 4) // as many as Nix writes
	for !s.bad {
		out = append(out, s.value())
		if s.take(']') {
			return out
		}
		if !s.take(',') {
			s.bad = true
		}
	}
	return nil
}
