package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/tui/form"
)

// typing tells whether letters are text now.
func (w *wizard) typing() bool {
	t, ok := w.page().(typer)
	return ok && !w.leaving && !w.keys && w.crash == nil && t.typing()
}

// read takes what the terminal sent in one piece. Letters that were typed
// fast, or over a slow line, come together: each is a key, but where a text is
// asked for the rest is one piece of it, so that "esc" in a text is no key. A
// paste is text and never a key. A line feed is enter, as in any shell.
func (w *wizard) read(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	switch {
	case msg.Type == tea.KeyCtrlJ && !msg.Alt:
		return w.key(tea.KeyMsg{Type: tea.KeyEnter})
	case msg.Type != tea.KeyRunes:
		return w.key(msg)
	case msg.Paste && !w.typing():
		return w, nil
	case msg.Paste:
		if line, refused := form.OneLine(msg); refused == "" {
			msg = line
		} // else the field says why it is not taken
		return w.key(msg)
	}
	var cmds []tea.Cmd
	for rest := msg.Runes; len(rest) > 0; {
		k := tea.KeyMsg{Type: tea.KeyRunes, Runes: rest[:1], Alt: msg.Alt}
		if len(rest) > 1 && w.typing() {
			k.Runes, k.Paste = rest, true
		}
		rest = rest[len(k.Runes):]
		_, cmd := w.key(k)
		cmds = append(cmds, cmd)
	}
	return w, tea.Batch(cmds...)
}
