package iwd

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// settings is a file as iwd's library reads it (ell, ell/settings.c): groups
// in square brackets, a key and a value a line. What matters, and is easily
// read otherwise:
//   - the first group of a name counts and in it the first key of a name, and
//     a later group of the same name not at all;
//   - one line that is wrong makes the whole file wrong;
//   - # is a comment only at the start of a line, a value keeps its trailing
//     blanks, and a carriage return is part of it;
//   - certificates may be embedded behind [@pem@NAME]; the keys that follow
//     belong to the group before.
type settings []group

type group struct {
	name   string
	values map[string]string
}

var (
	groupLine    = regexp.MustCompile(`^\[([ -Z\\^-~]*)\][ \t]*$`)
	keyLine      = regexp.MustCompile(`(?s)^([A-Za-z0-9_.-]+)[ \t]*=[ \t]*(.*)$`)
	embeddedLine = regexp.MustCompile(`^\[@(p|pe|pem)@[^\]]+\]`)
)

// keyfile reads a file. The error says which line is wrong and never shows it.
func keyfile(text string) (settings, error) {
	var all settings
	number := 0
	for rest := text; rest != ""; {
		line, after, terminated := strings.Cut(rest, "\n")
		line = strings.TrimLeft(line, " \t")
		rest = after
		number++
		wrong := func(why string) (settings, error) {
			return nil, fmt.Errorf("line %d %s, so iwd does not read the file; correct the line, or type the network in", number, why)
		}
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "[@"):
			head := embeddedLine.FindString(line)
			if head == "" || !terminated && head == line {
				return wrong("begins an embedded file that is not one")
			}
			if head != line { // the file would have to begin right behind the line
				continue
			}
			lines, ok := certificates(rest)
			if !ok {
				return wrong("begins an embedded file without an end")
			}
			for range lines {
				_, rest, _ = strings.Cut(rest, "\n")
			}
			number += lines
		case line[0] == '[':
			m := groupLine.FindStringSubmatch(line)
			if m == nil {
				return wrong("is not a group")
			}
			all = append(all, group{m[1], map[string]string{}})
		default:
			m := keyLine.FindStringSubmatch(line)
			if m == nil {
				return wrong("has no KEY=VALUE")
			}
			if len(all) == 0 {
				return wrong("comes before the first group")
			}
			if !text8(m[2]) {
				return wrong("is not text (UTF-8)")
			}
			if values := all[len(all)-1].values; !has(values, m[1]) {
				values[m[1]] = m[2]
			}
		}
	}
	return all, nil
}

func has(m map[string]string, key string) bool { _, ok := m[key]; return ok }

// certificates counts the lines of the PEM blocks that text begins with
// (RFC 7468); ok is false when one has no end.
func certificates(text string) (lines int, ok bool) {
	end, count := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		count++
		if end == "" {
			m := beginLine.FindStringSubmatch(line)
			if m == nil {
				return lines, true
			}
			end = "-----END " + m[1] + "-----"
		} else if strings.TrimRight(line, " \t") == end {
			end, lines = "", count
		}
	}
	return lines, end == ""
}

var beginLine = regexp.MustCompile(`^-----BEGIN ((?:[!-,.-~](?:[ -]?[!-,.-~])*)?)-----[ \t]*$`)

// text8 is what ell takes for text: UTF-8 without NUL and noncharacters.
func text8(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == 0 || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
	})
}

// value is what is written behind the key.
func (s settings) value(name, key string) (string, bool) {
	for _, g := range s {
		if g.name == name {
			v, ok := g.values[key]
			return v, ok
		}
	}
	return "", false
}

// text is the value with its escapes resolved. One that ell does not know
// makes it no value.
func (s settings) text(name, key string) (string, bool) {
	v, ok := s.value(name, key)
	if !ok || strings.Contains(strings.NewReplacer(`\\`, "", `\s`, "", `\n`, "", `\t`, "", `\r`, "").Replace(v), `\`) {
		return "", false
	}
	return strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(v), true
}

// truth is a value that is yes or no; ok is false for any other.
func (s settings) truth(name, key string) (is, ok bool) {
	v, _ := s.value(name, key)
	switch {
	case v == "1" || strings.EqualFold(v, "true"):
		return true, true
	case v == "0" || strings.EqualFold(v, "false"):
		return false, true
	}
	return false, false
}
