package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
)

// safely runs what belongs to a page. A panic becomes the error that is shown in
// the page's place.
func (w *wizard) safely(do func()) {
	if err := crash.Try(func() error { do(); return nil }); err != nil {
		w.crash = err
	}
}

// crashKey takes the keys of the page that shows a panic.
func (w *wizard) crashKey(k string) tea.Cmd {
	switch k {
	case "enter":
		return w.retry()
	case "esc":
		if w.at > 0 && !w.written {
			w.crash = nil
			_, cmd := w.turn(back, nil)
			return cmd
		}
	}
	return nil
}

// retry restarts the page. A card is never written again without being chosen
// again.
func (w *wizard) retry() tea.Cmd {
	w.crash = nil
	to := move(w.steps[w.at].name)
	if to == "write" {
		w.written, to = false, "card"
	}
	replace := w.replace
	_, cmd := w.turn(to, nil)
	w.replace = replace
	return cmd
}

func (w *wizard) crashHelp() []key.Binding {
	h := []key.Binding{bind("enter", "restart this page")}
	if w.at > 0 && !w.written {
		h = append(h, bind("esc", "back"))
	}
	return h
}
