package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/tui/form"
)

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

// key keeps the keys that mean the same everywhere.
func (w *wizard) key(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	if w.closing {
		return w, nil
	}
	busy := w.busy()
	if w.leaving {
		w.leaving = false
		if s := msg.String(); s == "y" || s == "ctrl+c" {
			return w, w.end()
		}
		return w, nil
	}
	switch s := msg.String(); {
	case s == "ctrl+c" && busy != "":
		w.leaving = true
		return w, nil
	case s == "ctrl+c":
		return w, w.end()
	case w.crash != nil:
		return w, w.crashKey(s)
	case w.keys:
		w.keys = false
		return w, nil
	case s == "?" && !w.typing():
		w.keys = true
		return w, nil
	case w.tall && s == "pgdown":
		w.scroll += w.height / 2
		return w, nil
	case w.tall && s == "pgup":
		w.scroll -= w.height / 2
		return w, nil
	}
	w.scroll = 0
	return w.pass(msg)
}
