package answers

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// sift is a document without what is no TOML in it, so that one mistake hides
// no other. As a compiler does, it goes on at the next line that begins a key
// or a table. Lines keep their numbers.
type sift struct {
	all    map[string]any // what is left; nil when that is nothing
	where  *places
	faults []flaw
	spoilt map[int]bool // lines of which nothing more is to be said
	gone   []string     // keys that were taken out, "" for one without a name
	cut    bool         // the document ends in the middle of something
}

// A file with more mistakes than that, or a larger one, is no file of answers,
// and nobody reads more of them at once.
const (
	mostFaults = 20
	mostSifted = 32 << 10
)

var (
	header = regexp.MustCompile(`^\s*\[\[?[^\[\]]*\]\]?\s*(#.*)?$`)
	assign = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')(\s*\.\s*[A-Za-z0-9_-]+)*\s*(=|:|\s["'\[])`) // or what was meant as such
	word   = regexp.MustCompile(`^\s*["']?([A-Za-z0-9_-]+)`)
	table  = regexp.MustCompile(`^\s*\[`)
)

func sifted(data []byte) *sift {
	s := &sift{spoilt: map[int]bool{}}
	lines := s.text(bytes.TrimPrefix(data, []byte(bom)))
	for {
		text := bytes.Join(lines, []byte("\n"))
		s.where = placesOf(text)
		err := toml.Unmarshal(text, &s.all)
		if err == nil {
			break
		}
		s.all = nil
		if !s.takeOut(lines, err) || len(s.faults) >= mostFaults {
			return s
		}
		if len(text) > mostSifted {
			return s
		}
	}
	for _, name := range s.where.twice { // in capitals, which TOML tells apart
		s.doubled(s.where.again[name])
	}
	if len(s.faults) > 0 && len(s.all) == 0 { // it is something else altogether
		s.all, s.faults = nil, s.faults[:1]
	}
	return s
}

// text splits a document into lines. What is no UTF-8 is replaced.
func (s *sift) text(data []byte) [][]byte {
	lines := bytes.Split(data, []byte("\n"))
	for i, l := range lines {
		if utf8.Valid(l) {
			continue
		}
		lines[i] = bytes.ToValidUTF8(l, []byte("?"))
		if s.spoilt[i+1] = true; len(s.faults) < mostFaults {
			s.faults = append(s.faults, flaw{line: i + 1, text: "this is not written in UTF-8; save the file as UTF-8 with an editor"})
		}
	}
	return lines
}

// takeOut names what the library did not like, and takes out the lines of it.
// It is false where that cannot be told, so that there is no use in going on.
func (s *sift) takeOut(lines [][]byte, err error) bool {
	var wrong *toml.DecodeError
	if !errors.As(err, &wrong) {
		s.faults = append(s.faults, flaw{text: "this is not TOML"})
		return false
	}
	row, column := wrong.Position()
	if row < 1 || row > len(lines) {
		s.faults = append(s.faults, flaw{text: "this is not TOML"})
		return false
	}
	from := begins(lines, row)
	to := from + 1
	for to <= len(lines) && !header.Match(lines[to-1]) && (table.Match(lines[from-1]) || !assign.Match(lines[to-1])) {
		to++
	} // to is the first line that stays
	switch {
	case row < to && s.spoilt[row], row >= to && s.spoilt[from]:
	case s.doubled(row):
	case row < to:
		s.faults = append(s.faults, flaw{line: row, column: column, text: "this is not TOML; check the quotes and brackets of this line"})
	default:
		s.faults = append(s.faults, flaw{line: from, text: fmt.Sprintf("this is not TOML; check the quotes and brackets from here to line %d", row)})
	}
	end := lines[row-1][min(max(column-1, 0), len(lines[row-1])):]
	s.cut = s.cut || len(bytes.TrimSpace(bytes.Join(append([][]byte{end}, lines[row:]...), nil))) == 0
	s.spoilt[from] = true
	s.gone = append(s.gone, s.key(lines[from-1], from))
	for i := from; i < to; i++ {
		lines[i-1] = nil
	}
	return true
}

// begins is the line on which the thing begins that is wrong on line row: the
// last before which all is well.
func begins(lines [][]byte, row int) int {
	at, tries := row, 0
	for ; at > 1 && tries < mostFaults; at-- {
		if at != row && !assign.Match(lines[at-1]) && !table.Match(lines[at-1]) {
			continue
		}
		tries++
		var all map[string]any
		if toml.Unmarshal(bytes.Join(lines[:at-1], []byte("\n")), &all) == nil {
			return at
		}
	}
	if at > 1 { // somewhere above; nobody looks for ever
		return row
	}
	return 1
}

// doubled tells whether what is wrong on a line is that its key is there twice,
// and says so.
func (s *sift) doubled(row int) bool {
	for _, name := range s.where.twice {
		if s.where.again[name] == row {
			s.faults = append(s.faults, flaw{line: row, text: fmt.Sprintf("the key %s is already set, on line %d", name, s.where.line[name])})
			return true
		}
	}
	return false
}

// key is the name of the key or table that begins on a line, as far as it can
// be told.
func (s *sift) key(line []byte, at int) string {
	if table.Match(line) {
		return strings.ToLower(strings.Trim(string(bytes.TrimSpace(line)), "[] "))
	}
	m := word.FindSubmatch(line)
	if m == nil {
		return ""
	}
	name := strings.ToLower(string(m[1]))
	if in := s.where.within(at); in != "" {
		return in + "." + name
	}
	return name
}

// lost tells whether a field is perhaps among what was taken out: what it lacks
// is not to be told then.
func (s *sift) lost(field string) bool {
	field = strings.ToLower(field)
	if s.cut && s.where.of(field) == 0 {
		return true
	}
	for _, name := range s.gone {
		if name == field || name == "" && s.where.of(field) == 0 || name != "" && strings.HasPrefix(field, name) && strings.ContainsAny(field[len(name):len(name)+1], ".[") {
			return true
		}
	}
	return false
}
