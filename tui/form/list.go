package form

import (
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"
)

// Option is one line of a list.
type Option struct {
	Label string // what the user reads
	Value string // what is stored
	Note  string // a few words after the label, dimmed; may be empty
	Group string // of a group at most one is chosen; may be empty
}

// Choice asks for one of the options. The value is the one under the cursor,
// at once; if *value is none of them, the first is taken.
func Choice(title string, value *string, options []Option) Field {
	return Field{func() field {
		l := newList(title, options)
		l.one = value
		for i, o := range options {
			if o.Value == *value {
				l.cursor = i
			}
		}
		l.store()
		return l
	}}
}

// Many asks for any number of the options, in the order of the list. Values
// that are none of the options are dropped. The option under the cursor is at,
// now and after Rebuild; at may be nil.
func Many(title string, values *[]string, at *string, options []Option) Field {
	return Field{func() field {
		l := newList(title, options)
		l.many, l.at = values, at
		for i, o := range options {
			if at != nil && o.Value == *at {
				l.cursor = i
			}
		}
		for _, v := range *values {
			l.chosen[v] = true
		}
		l.store()
		return l
	}}
}

// list is a field of options with a cursor that is always in sight. It is
// written again, as huh's own hides the options above the chosen one.
type list struct {
	title   string
	options []Option
	one     *string
	many    *[]string
	at      *string // of many: the option under the cursor
	chosen  map[string]bool

	leads   direction
	refused string // why a paste into the filter was not taken

	cursor, top int // numbers among the shown options
	height      int // lines for options
	width       int
	focus       bool
	first, last bool // place among the fields

	filterOn bool
	filter   string
}

func newList(title string, options []Option) *list {
	return &list{title: title, options: options, height: len(options), chosen: map[string]bool{}}
}

// shown returns the options that the filter lets through.
func (l *list) shown() []Option {
	if l.filter == "" {
		return l.options
	}
	want := strings.ToLower(l.filter)
	return slices.DeleteFunc(slices.Clone(l.options), func(o Option) bool {
		return !strings.Contains(strings.ToLower(o.Label+" "+o.Note), want)
	})
}

// store writes the answer through the caller's pointer.
func (l *list) store() {
	if l.one != nil {
		if s := l.shown(); l.cursor < len(s) {
			*l.one = s[l.cursor].Value
		}
		return
	}
	var vs []string
	for _, o := range l.options {
		if l.chosen[o.Value] {
			vs = append(vs, o.Value)
		}
	}
	*l.many = vs
	if s := l.shown(); l.at != nil && l.cursor < len(s) {
		*l.at = s[l.cursor].Value
	}
}

// Update moves the cursor, marks options and edits the filter.
func (l *list) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return l, nil
	}
	if l.filterOn && l.editFilter(k) {
		l.store()
		return l, nil
	}
	l.refused = ""
	switch keys := listKeys; {
	case key.Matches(k, keys.prev) && !l.first:
		l.leads = behind
		return l, nil
	case key.Matches(k, keys.next) && l.filterOn && l.many != nil:
		l.endFilter() // it was only found; space chooses it
	case key.Matches(k, keys.next):
		if l.one != nil && len(l.shown()) == 0 {
			return l, nil
		}
		l.endFilter()
		l.leads = ahead
		return l, nil
	case key.Matches(k, keys.mark) && l.many != nil:
		if s := l.shown(); l.cursor < len(s) {
			l.mark(s[l.cursor])
		}
	case key.Matches(k, keys.filter):
		l.filterOn = true
	default:
		l.move(k)
	}
	l.store()
	return l, nil
}

// mark chooses an option, or no longer, and then no other of its group.
func (l *list) mark(o Option) {
	was := l.chosen[o.Value]
	for _, other := range l.options {
		if o.Group != "" && other.Group == o.Group {
			l.chosen[other.Value] = false
		}
	}
	l.chosen[o.Value] = !was
}

// move puts the cursor elsewhere and scrolls after it.
func (l *list) move(k tea.KeyMsg) {
	last := len(l.shown()) - 1
	switch k.String() {
	case "up", "k":
		l.cursor--
	case "down", "j":
		l.cursor++
	case "pgup":
		l.cursor -= l.height
	case "pgdown":
		l.cursor += l.height
	case "home":
		l.cursor = 0
	case "end":
		l.cursor = last
	}
	l.cursor = max(0, min(l.cursor, last))
}

// editFilter changes the filter's text; false means the key is not for it.
func (l *list) editFilter(k tea.KeyMsg) bool {
	l.refused = ""
	switch k.Type {
	case tea.KeyRunes, tea.KeySpace:
		if k, l.refused = OneLine(k); l.refused != "" {
			return true
		}
		l.filter += string(k.Runes)
		l.cursor, l.top = 0, 0
	case tea.KeyBackspace:
		if r := []rune(l.filter); len(r) > 0 {
			l.filter = string(r[:len(r)-1])
		}
		l.cursor, l.top = 0, 0
	case tea.KeyEsc:
		l.endFilter()
	default:
		return false
	}
	return true
}

// endFilter shows all options again, the cursor on the same one as before.
func (l *list) endFilter() {
	if s := l.shown(); l.cursor < len(s) {
		l.cursor = slices.Index(l.options, s[l.cursor])
	}
	l.filter, l.filterOn = "", false
	l.cursor = max(0, min(l.cursor, len(l.options)-1))
}

func (l *list) leaves() (d direction) {
	d, l.leads = l.leads, nowhere
	return d
}

func (l *list) typing() bool            { return l.filterOn }
func (l *list) filtering() bool         { return l.filterOn }
func (l *list) rows() (fixed, list int) { return 1, len(l.options) }
func (l *list) setList(rows int)        { l.height = rows }

// The rest is what huh wants of a field.

func (l *list) Init() tea.Cmd                            { return nil }
func (l *list) Focus() tea.Cmd                           { l.focus = true; return nil }
func (l *list) Blur() tea.Cmd                            { l.focus = false; return nil }
func (l *list) Error() error                             { return nil }
func (l *list) Run() error                               { return huh.Run(l) }
func (l *list) RunAccessible(io.Writer, io.Reader) error { return nil }
func (l *list) Skip() bool                               { return false }
func (l *list) Zoom() bool                               { return false }
func (l *list) WithTheme(*huh.Theme) huh.Field           { return l }
func (l *list) WithAccessible(bool) huh.Field            { return l }
func (l *list) WithKeyMap(*huh.KeyMap) huh.Field         { return l }
func (l *list) WithWidth(w int) huh.Field                { l.width = w; return l }
func (l *list) WithHeight(int) huh.Field                 { return l }
func (l *list) GetKey() string                           { return "" }
func (l *list) GetValue() any                            { return nil }
func (l *list) WithPosition(p huh.FieldPosition) huh.Field {
	l.first, l.last = p.IsFirst(), p.IsLast()
	return l
}
