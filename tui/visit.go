package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
)

// show begins a visit to the page.
func (w *wizard) show() tea.Cmd {
	w.again()
	w.scroll = 0
	return w.ours(w.page().enter(w.state))
}

// ours ties what a page's command brings to this visit.
func (s *state) ours(cmd tea.Cmd) tea.Cmd { return tie(s.all, s.visit, cmd) }

// tie does so until all ends; what has not begun by then never does. A panic in
// the command is an answer too.
func tie(all context.Context, visit int, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		if all.Err() != nil {
			return nil
		}
		if err := crash.Try(func() error { msg = cmd(); return nil }); err != nil {
			return reply{visit, crashed{err}}
		}
		switch msg := msg.(type) {
		case nil, reply:
			return msg
		case tea.BatchMsg:
			tied := make(tea.BatchMsg, len(msg))
			for i, c := range msg {
				tied[i] = tie(all, visit, c)
			}
			return tied
		default:
			return reply{visit, msg}
		}
	}
}

// answered hands the page what its own visit asked for, and nothing else.
func (w *wizard) answered(a reply) (tea.Model, tea.Cmd) {
	if a.visit != w.visit {
		if l, ok := a.msg.(late); ok {
			l.drop()
		}
		return w, nil
	}
	if c, ok := a.msg.(crashed); ok {
		w.crash = c.err
		return w, nil
	}
	if run, ok := a.msg.(onTerminal); ok {
		return w, w.lend(run, func(err error) (msg tea.Msg) {
			if no := crash.Try(func() error { msg = run.then(err); return nil }); no != nil {
				msg = crashed{no}
			}
			return reply{a.visit, msg}
		})
	}
	return w.pass(a.msg)
}

// crashed is a panic in a page's command.
type crashed struct{ err error }

func (w *wizard) pass(msg tea.Msg) (tea.Model, tea.Cmd) {
	m, cmd := w.page().update(w.state, msg)
	cmd = w.ours(cmd)
	if m == stay {
		return w, cmd
	}
	return w.turn(m, cmd)
}

// turn turns a page's wish into the page that is shown next.
func (w *wizard) turn(m move, cmd tea.Cmd) (tea.Model, tea.Cmd) {
	to := w.at
	switch m {
	case quit:
		return w, w.end()
	case next:
		for to++; w.steps[to].asks && w.replace; to++ {
		}
	case back:
		if w.written || w.at == 0 {
			return w, cmd
		}
		for to--; w.steps[to].asks && w.replace; to-- {
		}
	default:
		for i, s := range w.steps {
			if s.name == string(m) {
				to = i
			}
		}
		if w.steps[to].asks {
			w.replace = false // a failure leads to the page that can fix it
		}
	}
	if p, ok := w.page().(worker); ok {
		p.stop()
	}
	w.at, w.returned = to, m == back
	return w, tea.Batch(cmd, w.show())
}
