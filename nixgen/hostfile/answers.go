package hostfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
)

// ReadAnswers reads a file of answers. All that is wrong with it is told at
// once, each with its line: what is no TOML, keys that are not known, values of
// a wrong form, and values that mean nothing. Then the error is *Unreadable.
func ReadAnswers(r io.Reader) (nixgen.Host, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nixgen.Host{}, err
	}
	if len(data) > maxFile {
		return nixgen.Host{}, errors.New("the file is too large to be a host.toml")
	}
	h, faults, problems := parse(data)
	if len(faults) == 0 && len(problems) == 0 {
		return h, nil
	}
	for _, p := range problems {
		faults = append(faults, flaw{p.Line, p.Field + ": " + p.Text, false})
	}
	return h, unreadable(faults)
}

// readSaved reads the host.toml of a saved host. Only what is wrong with the
// form is an error: problems are what is wrong with the meaning.
func readSaved(path string) (nixgen.Host, []nixgen.Problem, error) {
	data, err := readPart(path)
	if err != nil {
		return nixgen.Host{}, nil, err
	}
	h, faults, problems := parse(data)
	if len(faults) > 0 {
		return h, nil, unreadable(faults)
	}
	return h.Before(), problems, nil
}

// flaw is something wrong with the form of a file.
type flaw struct {
	line   int // 0 for what is not there
	text   string
	secret bool // a key that is not known has the name of a password
}

func unreadable(faults []flaw) *Unreadable {
	slices.SortStableFunc(faults, func(a, b flaw) int { return cmp.Compare(a.line, b.line) })
	u := &Unreadable{}
	for _, f := range faults {
		text := f.text
		if f.line > 0 {
			text = fmt.Sprintf("line %d: %s", f.line, text)
		}
		u.Faults = append(u.Faults, text)
		u.secret = u.secret || f.secret
	}
	return u
}

// parse reads answers as far as they can be read.
func parse(data []byte) (h nixgen.Host, faults []flaw, problems []nixgen.Problem) {
	data = bytes.TrimPrefix(data, []byte(bom))
	where := placesOf(data)
	for _, name := range where.twice {
		faults = append(faults, flaw{where.again[name], fmt.Sprintf("the key %s is there already, on line %d", name, where.line[name]), false})
	}
	var all map[string]any
	if err := decode(data, &all); err != nil {
		var u *Unreadable
		if len(faults) == 0 && errors.As(err, &u) {
			faults = append(faults, flaw{0, u.Faults[0], false})
		}
		return h, faults, nil
	}
	c := &checker{where: where}
	sound := c.table("", all, reflect.TypeFor[nixgen.Host]())
	faults = append(faults, c.faults...)
	text, err := toml.Marshal(sound)
	if err == nil {
		err = toml.NewDecoder(bytes.NewReader(text)).Decode(&h)
	}
	if err != nil { // every value has the right kind
		return h, append(faults, flaw{0, "this cannot be used", false}), nil
	}
	for _, p := range h.Problems() {
		p.Line = where.of(p.Field)
		if !c.bad[strings.ToLower(p.Field)] {
			problems = append(problems, p)
		}
	}
	return h, faults, problems
}

// checker compares a document with the struct that it is for.
type checker struct {
	where  *places
	faults []flaw
	bad    map[string]bool // the fields with faults
}

func (c *checker) add(name, format string, args ...any) {
	if c.bad == nil {
		c.bad = map[string]bool{}
	}
	c.bad[strings.ToLower(name)] = true
	c.faults = append(c.faults, flaw{c.where.of(name), fmt.Sprintf(format, args...), false})
}

// table gives back what is sound in a table.
func (c *checker) table(name string, in map[string]any, of reflect.Type) map[string]any {
	known := map[string]reflect.Type{}
	for field := range of.Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		known[key] = field.Type
	}
	out := map[string]any{}
	for key, value := range in {
		full := key
		if name != "" {
			full = name + "." + key
		}
		kind, ok := known[strings.ToLower(key)] // as the library reads it
		if !ok {
			c.unknown(full, key)
		} else if v, ok := c.value(full, value, kind); ok {
			out[strings.ToLower(key)] = v
		}
	}
	return out
}

func (c *checker) unknown(full, key string) {
	c.add(full, "the key %s is not known", full)
	c.faults[len(c.faults)-1].secret = slices.ContainsFunc([]string{"pass", "psk", "secret", "key"}, func(word string) bool {
		return strings.Contains(strings.ToLower(key), word)
	})
}

func (c *checker) value(name string, in any, of reflect.Type) (any, bool) {
	switch of.Kind() {
	case reflect.Slice:
		list, ok := in.([]any)
		if !ok {
			c.add(name, "the value of %s has the wrong form; write a list, in [ ]", name)
			return nil, false
		}
		out := []any{}
		for i, x := range list {
			if v, ok := c.value(fmt.Sprintf("%s[%d]", name, i), x, of.Elem()); ok {
				out = append(out, v)
			}
		}
		if len(out) == 0 && len(list) > 0 {
			c.bad[strings.ToLower(name)] = true
		}
		return out, true
	case reflect.Struct:
		if t, ok := in.(map[string]any); ok {
			return c.table(name, t, of), true
		}
		c.add(name, "the value of %s has the wrong form; write it as [[%s]] with a key on each line below", name, strings.Split(name, "[")[0])
		return nil, false
	case reflect.Bool:
		if v, ok := in.(bool); ok {
			return v, true
		}
		c.add(name, "the value of %s has the wrong form; write true or false, without quotes", name)
		return nil, false
	}
	if v, ok := in.(string); ok {
		return v, true
	}
	c.add(name, "the value of %s has the wrong form; write it in quotes", name)
	return nil, false
}
