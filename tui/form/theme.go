package form

import (
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/style"
)

// theme draws a bar at the left of the field that has the keys.
func theme() *huh.Theme {
	t := huh.ThemeBase()
	bar := lipgloss.NewStyle().PaddingLeft(1).Border(lipgloss.Border{Left: style.Bar}, false, false, false, true)
	t.Form.Base, t.Group.Base = lipgloss.NewStyle(), lipgloss.NewStyle()
	t.FieldSeparator = lipgloss.NewStyle().SetString("\n\n")
	t.Focused.Base = bar.BorderForeground(style.Focus.GetForeground())
	t.Blurred.Base = lipgloss.NewStyle().PaddingLeft(2)
	t.Focused.Title, t.Blurred.Title = style.Heading, style.Text
	t.Focused.Description, t.Blurred.Description = style.Dim, style.Dim
	t.Focused.TextInput = huh.TextInputStyles{
		Cursor: style.Focus, CursorText: style.Text, Placeholder: style.Dim, Prompt: style.Focus, Text: style.Text,
	}
	t.Blurred.TextInput = t.Focused.TextInput
	t.Blurred.TextInput.Prompt = style.Dim
	return t
}

// keyMap has no quit: ctrl+c is the page's. Arrows move between fields too.
func keyMap() *huh.KeyMap {
	k := huh.NewDefaultKeyMap()
	k.Quit = key.NewBinding(key.WithDisabled())
	k.Input = huh.InputKeyMap{
		AcceptSuggestion: key.NewBinding(key.WithDisabled()),
		Prev:             key.NewBinding(key.WithKeys("shift+tab", "up"), key.WithHelp(style.Up, "field before")),
		Next:             key.NewBinding(key.WithKeys("enter", "tab", "down"), key.WithHelp("enter", "next field")),
		Submit:           key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "continue")),
	}
	return k
}
