package form

import (
	"errors"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/style"
)

// Text asks for one line. hint is one line under the title ("" for none).
// check returns what is wrong with a text, "" if nothing is; it runs at
// every key, and the field cannot be left forwards while it complains.
// check may be nil.
func Text(title, hint string, value *string, check func(string) string) Field {
	return input(title, hint, value, check, huh.EchoModeNormal)
}

// Password is Text with dots instead of letters.
func Password(title, hint string, value *string, check func(string) string) Field {
	return input(title, hint, value, check, huh.EchoModePassword)
}

func input(title, hint string, value *string, check func(string) string, echo huh.EchoMode) Field {
	if check == nil {
		check = func(string) string { return "" }
	}
	return Field{func() field {
		in := huh.NewInput().Title(title).Value(value).EchoMode(echo).Validate(func(s string) error {
			if bad := check(s); bad != "" {
				return errors.New(bad)
			}
			return nil
		})
		if hint != "" {
			in.Description(hint)
		}
		return &text{Input: in, value: value, check: check}
	}}
}

// text is huh's input with a line below it, always there, so that nothing
// jumps when a complaint comes and goes.
type text struct {
	*huh.Input
	value   *string
	check   func(string) string
	width   int
	focus   bool
	refused string // why the last paste was not taken
	leads   direction
	last    bool // of the form
}

func (t *text) Focus() tea.Cmd {
	t.focus, t.refused = true, ""
	return t.Input.Focus()
}

func (t *text) Blur() tea.Cmd {
	t.focus, t.refused = false, ""
	return t.Input.Blur()
}

func (t *text) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if ok {
		t.refused = ""
		if k, t.refused = OneLine(k); t.refused != "" {
			return t, nil
		}
		msg = k
	}
	t.Input.Update(msg)
	keys := keyMap().Input
	switch {
	case !ok:
	case key.Matches(k, keys.Prev):
		t.leads = behind
	case t.last && !key.Matches(k, keys.Submit): // only enter leaves the form
	case key.Matches(k, keys.Next, keys.Submit) && t.Error() == nil:
		t.leads = ahead
	}
	return t, nil
}

func (t *text) leaves() (d direction) {
	d, t.leads = t.leads, nowhere
	return d
}

func (t *text) WithWidth(w int) huh.Field {
	t.width = w
	t.Input.WithWidth(w)
	return t
}

func (t *text) WithPosition(p huh.FieldPosition) huh.Field {
	t.last = p.IsLast()
	t.Input.WithPosition(p)
	return t
}

// WithHeight is ignored: a text field has one height.
func (t *text) WithHeight(int) huh.Field { return t }

// complaint is shown as soon as there is something to complain about, but
// not over a field nobody has touched yet.
func (t *text) complaint() string {
	if t.refused != "" {
		return t.refused
	}
	if *t.value == "" && t.Error() == nil {
		return ""
	}
	return t.check(*t.value)
}

func (t *text) View() string {
	edge, below := "  ", ""
	if t.focus {
		edge = style.Focus.Render(style.Bar) + " "
	}
	if bad := t.complaint(); bad != "" {
		below = lipgloss.NewStyle().Width(max(t.width-2, 1)).Render(style.Warn.Render(style.Failed + " " + bad))
	}
	return t.Input.View() + "\n" + edge + strings.ReplaceAll(below, "\n", "\n"+edge)
}

func (t *text) rows() (fixed, list int) { return lipgloss.Height(t.View()), 0 }
func (t *text) setList(int)             {}
func (t *text) typing() bool            { return true }
func (t *text) filtering() bool         { return false }
