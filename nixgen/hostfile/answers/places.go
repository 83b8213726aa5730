package answers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// places are the lines of a TOML document by key, as nixgen.Problem.Field names
// them: networks[0].ssid. Keys are in lower case.
type places struct {
	line   map[string]int
	counts map[string]int // of the tables in a list of tables
	twice  []string       // keys that are there more than once
	again  map[string]int // line of the second
	tables map[int]string // by line
	ends   []int          // offsets of the ends of lines
}

// placesOf reads the lines of a document. One that is no TOML has those of the
// part that is.
func placesOf(data []byte) *places {
	p := &places{map[string]int{}, map[string]int{}, nil, map[string]int{}, map[int]string{}, nil}
	for i, b := range data {
		if b == '\n' {
			p.ends = append(p.ends, i)
		}
	}
	var parser unstable.Parser
	parser.Reset(data)
	prefix := ""
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			name, line := p.key("", e)
			if e.Kind == unstable.ArrayTable {
				p.put(name, line)
				p.counts[name]++
				name = fmt.Sprintf("%s[%d]", name, p.counts[name]-1)
			}
			p.put(name, line)
			p.tables[line] = name
			prefix = name
		case unstable.KeyValue:
			p.pair(prefix, e)
		}
	}
	return p
}

// at is the line of a node. The library counts it from the start of the document
// each time.
func (p *places) at(n *unstable.Node) int {
	line, _ := slices.BinarySearch(p.ends, int(n.Raw.Offset))
	return line + 1
}

// put notes the first line of a key.
func (p *places) put(name string, line int) {
	if p.line[name] == 0 {
		p.line[name] = line
	}
}

// key is the name of a node behind prefix, and its line.
func (p *places) key(prefix string, n *unstable.Node) (name string, line int) {
	name = prefix
	for it := n.Key(); it.Next(); {
		if line == 0 {
			line = p.at(it.Node())
		}
		if name != "" {
			name += "."
		}
		name += strings.ToLower(string(it.Node().Data))
	}
	return name, line
}

func (p *places) pair(prefix string, n *unstable.Node) {
	name, line := p.key(prefix, n)
	if p.line[name] != 0 {
		p.twice = append(p.twice, name)
		p.again[name] = line
	}
	p.put(name, line)
	p.inside(name, line, n.Value())
}

// inside notes what a value has in it.
func (p *places) inside(name string, line int, n *unstable.Node) {
	i := 0
	for it := n.Children(); it.Next(); i++ {
		child := it.Node()
		switch {
		case n.Kind == unstable.InlineTable:
			p.pair(name, child)
		case n.Kind == unstable.Array:
			element := fmt.Sprintf("%s[%d]", name, i)
			at := line
			if child.Raw.Length > 0 {
				at = p.at(child)
			}
			p.put(element, at)
			p.inside(element, at, child)
		}
	}
}

// of is the line of a key, else of what it would be in; 0 when it is nowhere.
func (p *places) of(name string) int {
	for name = strings.ToLower(name); name != ""; {
		if line := p.line[name]; line != 0 {
			return line
		}
		name = name[:max(strings.LastIndexAny(name, ".["), 0)]
	}
	return 0
}

// within is the table that a line belongs to, "" for none.
func (p *places) within(line int) string {
	found, name := 0, ""
	for at, table := range p.tables {
		if at < line && at > found {
			found, name = at, table
		}
	}
	return name
}
