package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
)

// patience is how long leaving waits for work that was told to stop. Nix alone
// may take 10 s to end its builders.
const patience = 15 * time.Second

// end begins to leave, which is a state of its own: what runs is cancelled and
// waited for off the screen's thread, nothing new begins, no key counts, and what
// still comes is dropped. Then the program ends.
func (w *wizard) end() tea.Cmd {
	if w.closing {
		return nil
	}
	w.closing, w.consequence = true, w.busy()
	w.cancel()
	return func() tea.Msg {
		w.stopAll()
		return tea.Quit()
	}
}

// ending takes what comes while the program ends.
func (w *wizard) ending(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		w.width, w.height = max(msg.Width, 1), max(msg.Height, 1)
	case reply:
		if l, ok := msg.msg.(late); ok {
			l.drop()
		}
	}
}

// stopAll stops the work of all pages, once, and gives up what is held. Who
// calls it again waits for the same end.
func (w *wizard) stopAll() {
	w.cancel()
	w.stop.Do(func() {
		crash.Go(func() error {
			for _, s := range w.steps {
				if p, ok := s.page.(worker); ok {
					_ = crash.Try(func() error { p.stop(); return nil }) // the others must stop anyway
				}
			}
			if w.opened != nil {
				_ = w.opened.Close() // nothing was written
			}
			return nil
		}, func(error) { close(w.stopped) })
	})
	select {
	case <-w.stopped:
	case <-time.After(patience):
	}
}
