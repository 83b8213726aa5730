// Package answers reads the texts of a host: host.toml with the answers, and
// wifi.toml with the passwords (TOML, toml.io).
//
// Rules: all that is wrong with a file is told at once, each with its line, form
// and meaning together, and one mistake hides no other (sift.go). An error names
// lines and keys and never what stands there: people write passwords where they
// do not belong.
package answers

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
	"piwiz/nixgen/hostfile/layout"
)

// File is a file of answers as far as it can be read, and all that is wrong
// with it.
type File struct {
	Host   nixgen.Host
	where  *places
	faults []flaw
}

// Read reads a file of answers. What is wrong in it is no error here, but in
// Err; the error is for a file that cannot be read at all.
func Read(r io.Reader) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(r, layout.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > layout.MaxSize {
		return nil, errors.New("the file is too large to be a host.toml")
	}
	a, problems := parse(data)
	for _, p := range problems {
		a.Add(p.Field, p.Text)
	}
	return a, nil
}

// Add adds what only its caller can know to be wrong with a field, which is
// named as in nixgen.Problem.
func (a *File) Add(field, text string) {
	a.faults = append(a.faults, flaw{line: a.where.of(field), text: field + ": " + text})
}

// Place is a field with its line, for an error of the caller's own.
func (a *File) Place(field string) string {
	return flaw{line: a.where.of(field), text: field}.String()
}

// Err is all that is wrong with the file, at once and each with its line: what
// is no TOML, keys that are not known, values of a wrong form, and values that
// mean nothing. It is *Unreadable, or nil.
func (a *File) Err() error {
	if len(a.faults) == 0 {
		return nil
	}
	return unreadable(a.faults)
}

// ReadHost reads a file of answers that must be right. The error is that of
// Read, or Err.
func ReadHost(r io.Reader) (nixgen.Host, error) {
	a, err := Read(r)
	if err != nil {
		return nixgen.Host{}, err
	}
	return a.Host, a.Err()
}

// ReadSaved reads the host.toml of a saved host. Problems are what is wrong with
// the meaning; where something is wrong with the form, the error has them too, but
// for what is missing: piwiz wrote it, and so it is damaged.
func ReadSaved(path string) (nixgen.Host, []nixgen.Problem, error) {
	data, err := layout.Read(path)
	if err != nil {
		return nixgen.Host{}, nil, err
	}
	a, problems := parse(data)
	if len(a.faults) > 0 {
		for _, p := range problems {
			if p.Line > 0 {
				a.Add(p.Field, p.Text)
			}
		}
		return a.Host, nil, a.Err()
	}
	return a.Host.Before(), problems, nil
}

// flaw is something wrong with a file.
type flaw struct {
	line   int // 0 for what is not there
	column int // 0 where it says nothing
	text   string
	secret bool // a key that is not known has the name of a password
}

func (f flaw) String() string {
	switch {
	case f.line == 0:
		return f.text
	case f.column == 0:
		return fmt.Sprintf("line %d: %s", f.line, f.text)
	}
	return fmt.Sprintf("line %d, column %d: %s", f.line, f.column, f.text)
}

func unreadable(faults []flaw) *Unreadable {
	slices.SortStableFunc(faults, func(a, b flaw) int { return cmp.Compare(a.line, b.line) })
	var texts []string
	secret := false
	for _, f := range faults {
		texts = append(texts, f.String())
		secret = secret || f.secret
	}
	return faulty(secret, texts...)
}

// parse reads answers as far as they can be read, with what is wrong with their
// form. Problems are what is wrong with their meaning.
func parse(data []byte) (a *File, problems []nixgen.Problem) {
	sift := sifted(data)
	a = &File{where: sift.where, faults: sift.faults}
	if sift.all == nil {
		return a, nil
	}
	c := &checker{where: sift.where}
	sound := c.table("", sift.all, reflect.TypeFor[nixgen.Host]())
	for _, f := range c.faults {
		if !sift.spoilt[f.line] {
			a.faults = append(a.faults, f)
		}
	}
	text, err := toml.Marshal(sound)
	if err == nil {
		err = toml.NewDecoder(bytes.NewReader(text)).Decode(&a.Host)
	}
	if err != nil { // every value has the right kind
		a.faults = append(a.faults, flaw{text: "this cannot be used"})
		return a, nil
	}
	for _, p := range a.Host.Problems() {
		p.Line = sift.where.of(p.Field)
		if !c.bad[strings.ToLower(p.Field)] && !sift.lost(p.Field) && !sift.spoilt[p.Line] {
			problems = append(problems, p)
		}
	}
	return a, problems
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
	c.faults = append(c.faults, flaw{line: c.where.of(name), text: fmt.Sprintf(format, args...)})
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
