package form

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/x/ansi"

	"piwiz/tui/clean"
	"piwiz/tui/style"
)

var listKeys = struct{ up, down, prev, next, last, mark, filter, unfilter, found key.Binding }{
	up:       key.NewBinding(key.WithKeys("up", "k"), key.WithHelp(style.Up+"/"+style.Down, "move")),
	prev:     key.NewBinding(key.WithKeys("shift+tab"), key.WithHelp("shift+tab", "field before")),
	next:     key.NewBinding(key.WithKeys("enter", "tab"), key.WithHelp("enter", "next field")),
	last:     key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "continue")),
	mark:     key.NewBinding(key.WithKeys(" ", "x"), key.WithHelp("space", "choose")),
	filter:   key.NewBinding(key.WithKeys("/"), key.WithHelp("/", "find")),
	found:    key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "go to it")),
	unfilter: key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "show all")),
}

// KeyBinds returns the keys that work now.
func (l *list) KeyBinds() []key.Binding {
	out := []key.Binding{listKeys.up}
	if l.many != nil && !l.filterOn {
		out = append(out, listKeys.mark)
	}
	if l.filterOn {
		out = append(out, listKeys.unfilter)
	} else if len(l.options) > l.height {
		out = append(out, listKeys.filter)
	}
	if !l.first {
		out = append(out, listKeys.prev)
	}
	if l.filterOn && l.many != nil {
		return append(out, listKeys.found)
	}
	if l.last {
		return append(out, listKeys.last)
	}
	return append(out, listKeys.next)
}

// View draws the title (or the filter) and the options around the cursor.
func (l *list) View() string {
	edge, title := "  ", style.Text
	if l.focus {
		edge, title = style.Focus.Render(style.Bar)+" ", style.Heading
	}
	head := title.Render(l.title)
	if l.filterOn {
		head = style.Focus.Render("/") + clean.Name(l.filter) + style.Match.Render(" ")
	}
	shown := l.shown()
	height := max(l.height, 1)
	l.top = max(0, min(l.top, len(shown)-height))
	l.top = max(min(l.top, l.cursor), l.cursor-height+1)
	lines := []string{head + style.Dim.Render(style.More(l.top > 0, l.top+height < len(shown)))}
	for i := l.top; i < min(len(shown), l.top+height); i++ {
		lines = append(lines, l.line(shown[i], i == l.cursor))
	}
	switch {
	case len(l.options) == 0:
		lines = append(lines, style.Dim.Render("There is nothing to choose from."))
	case len(shown) == 0:
		lines = append(lines, style.Dim.Render("Nothing matches; esc shows all again."))
	}
	if l.refused != "" {
		lines[min(1, len(lines)-1)] = style.Warn.Render(style.Failed + " " + l.refused)
	}
	for len(lines) < height+1 {
		lines = append(lines, "")
	}
	for i, s := range lines {
		lines[i] = edge + ansi.Truncate(s, max(l.width-2, 1), style.Dots)
	}
	return strings.Join(lines, "\n")
}

// line draws an option. What is chosen never looks like what the cursor is only
// on: in a list of one the cursor chooses, in a list of many the mark does.
func (l *list) line(o Option, current bool) string {
	s, label := " ", style.Text
	if current {
		s = style.Dim.Render(style.Pointer)
		if l.focus {
			s = style.Focus.Render(style.Pointer)
		}
	}
	chosen := current && l.focus
	if l.many != nil {
		chosen = l.chosen[o.Value]
		s += " " + style.Mark(chosen)
	}
	if chosen {
		label = style.Selected
	}
	s += " " + label.Render(clean.Name(o.Label))
	if o.Note != "" {
		s += "  " + style.Dim.Render(clean.Name(o.Note))
	}
	return s
}
