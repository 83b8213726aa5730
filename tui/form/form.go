// Package form asks for a few values on one page: text, passwords, choices.
//
// It is the only package that knows huh, and keeps these faults of huh v1 to
// itself: a form that has shrunk stays small when it learns of sizes by
// message (so sizes are set, never sent); it draws one line more than told;
// it is empty for ever once it was sent in (so going back builds a new one
// over the same values); every foreign message costs milliseconds (so none
// gets through); it goes to the next field by a message of its own, behind
// which the next letters come too early (so fields say where a key leads and
// the form goes there at once, and needs no command to be run); lists hide the
// options above the chosen one (so lists are our own fields); a check runs
// only on leaving (so complaints are ours too).
//
// Rules for the caller: values live in one struct on the heap and are
// written while the user types; ctrl+c and esc never reach the form, except
// esc while Filtering.
//
// What is typed or pasted is kept as it is or refused with a reason, never
// changed without a sign: see OneLine.
package form

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"
)

// Form is a page of fields. Make it with New.
type Form struct {
	width, height int
	laid          bool // out in that size
	fields        []Field
	built         []field
	huh           *huh.Form
}

// Field says what to ask. Text, Password, Choice and Many make one.
type Field struct {
	build func() field
}

// field is a huh field that also tells its height and whether it takes
// ordinary keys as text.
type field interface {
	huh.Field
	rows() (fixed, list int) // lines that must be drawn, lines of a list that may scroll
	setList(rows int)
	typing() bool
	filtering() bool
	leaves() direction // where the last key leads to; asked once
}

// direction is where a key leads to from a field.
type direction int

const (
	nowhere direction = iota
	ahead
	behind
)

// New makes a form of width columns and at most height lines.
func New(width, height int, fields ...Field) *Form {
	f := &Form{width: width, height: height, fields: fields}
	f.Rebuild()
	return f
}

// Rebuild starts again with the values as they are now: after the user came
// back to a page, or when a value was changed from outside. Run the command
// of Init afterwards.
func (f *Form) Rebuild() {
	f.built, f.laid = nil, false
	var hs []huh.Field
	for _, spec := range f.fields {
		b := spec.build()
		f.built = append(f.built, b)
		hs = append(hs, b)
	}
	f.huh = huh.NewForm(huh.NewGroup(hs...)).
		WithTheme(theme()).WithKeyMap(keyMap()).WithShowHelp(false).WithShowErrors(false)
	f.Resize(f.width, f.height)
}

// Resize gives the form another size, in columns and lines.
func (f *Form) Resize(width, height int) {
	width, height = max(width, 10), max(height, 3)
	if f.width == width && f.height == height && f.laid {
		return
	}
	f.width, f.height, f.laid = width, height, true
	var fixed, lists int
	for _, b := range f.built {
		own, list := b.rows()
		fixed += own
		if list > 0 {
			lists++
		}
	}
	fixed += len(f.built) - 1 // the blank line between two fields
	for _, b := range f.built {
		if _, list := b.rows(); list > 0 {
			b.setList(min(list, max(3, (f.height-fixed)/lists)))
		}
	}
	f.huh.WithWidth(f.width).WithHeight(f.height)
	f.refresh()
}

// refresh makes huh lay the page out again; it does so only on a message.
func (f *Form) refresh() { f.huh.Update(nil) }

// Init puts the keys on the first field.
func (f *Form) Init() {
	// The commands of huh ask for the window size and make the cursor blink:
	// neither is wanted. Of all its messages only the two that move between
	// fields matter, and those are sent by Update.
	f.huh.Init()
	f.refresh()
	f.huh.GetFocusedField().Focus()
}

// Update takes a key and drops any other message. All that a key does is done
// when Update returns: the next key may already be meant for the next field.
func (f *Form) Update(msg tea.Msg) {
	k, ok := msg.(tea.KeyMsg)
	if !ok || f.Done() {
		return
	}
	f.huh.Update(k)
	at := f.Focused()
	switch to := f.focused().leaves(); {
	case to == ahead:
		f.huh.NextField()
		if at == len(f.built)-1 {
			f.huh.NextGroup()
		}
	case to == behind && at > 0:
		f.huh.PrevField()
	}
}

// Done tells whether the last field was left with enter and nothing is
// complained about. It stays true until Rebuild.
func (f *Form) Done() bool { return f.huh.State == huh.StateCompleted }

// Typing tells whether letters, digits and ? go into a text: then they are
// no shortcuts of the page.
func (f *Form) Typing() bool { return f.focused().typing() }

// Filtering tells whether a list is being filtered: then esc belongs to the
// form, which ends the filter.
func (f *Form) Filtering() bool { return f.focused().filtering() }

// Focused returns the number of the field that has the keys, from 0.
func (f *Form) Focused() int {
	now := f.huh.GetFocusedField()
	for i, b := range f.built {
		if huh.Field(b) == now {
			return i
		}
	}
	return 0
}

func (f *Form) focused() field { return f.built[f.Focused()] }

// Help returns the keys that work now, for the help line.
func (f *Form) Help() []key.Binding {
	var out []key.Binding
	for _, b := range f.focused().KeyBinds() {
		if b.Enabled() && b.Help().Key != "" {
			out = append(out, b)
		}
	}
	return out
}

// View draws the form: at most the height it was given, and no wider than
// its width. It is empty when the form is Done.
func (f *Form) View() string {
	lines := strings.Split(f.huh.View(), "\n")
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines[:min(len(lines), f.height)], "\n")
}
