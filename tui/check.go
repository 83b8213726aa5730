package tui

import (
	"context"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/tui/style"
)

// checkPage says before any question whether this computer can do it.
type checkPage struct {
	asked   int // results of an earlier asking are dropped
	results []*checked
}

type checked struct {
	done bool
	err  error
}

type checkDone struct {
	asked, index int
	err          error
}

func (p *checkPage) enter(s *state) tea.Cmd {
	p.asked++
	p.results = nil
	var cmds []tea.Cmd
	for i, c := range s.engine.Checks {
		p.results = append(p.results, &checked{})
		asked, ctx := p.asked, s.ctx
		cmds = append(cmds, func() tea.Msg { return checkDone{asked, i, runCheck(ctx, c)} })
	}
	return tea.Batch(cmds...)
}

func runCheck(ctx context.Context, c Check) error { return c.Run(ctx) }

func (p *checkPage) state() (pending, failed int) {
	for _, r := range p.results {
		if !r.done {
			pending++
		} else if r.err != nil {
			failed++
		}
	}
	return pending, failed
}

func (p *checkPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case checkDone:
		if msg.asked == p.asked {
			*p.results[msg.index] = checked{true, msg.err}
		}
	case tea.KeyMsg:
		switch msg.String() {
		case "esc":
			return back, nil
		case "r":
			return stay, p.enter(s)
		case "enter":
			if pending, failed := p.state(); pending == 0 && failed == 0 {
				return next, nil
			}
		case "a":
			if pending, _ := p.state(); pending == 0 {
				return next, nil
			}
		}
	}
	return stay, nil
}

func (p *checkPage) view(s *state, width, _ int) string {
	var b strings.Builder
	for i, r := range p.results {
		name := s.engine.Checks[i].Name
		switch {
		case !r.done:
			b.WriteString(style.Dim.Render("· "+name+" …") + "\n")
		case r.err == nil:
			b.WriteString(style.OK.Render("√ ") + name + "\n")
		default:
			b.WriteString(style.Danger.Render("× ") + name + "\n" + failure(r.err, width) + "\n")
		}
	}
	switch pending, failed := p.state(); {
	case pending > 0:
	case failed > 0:
		b.WriteString("\n" + wrap("Put right what is marked, then press r to check again. Press a to go on anyway: you can answer the questions now, but the build will not work yet.", width))
	default:
		b.WriteString("\n" + "All is well. Press enter to go on.")
	}
	return b.String()
}

func (p *checkPage) help(*state) []key.Binding {
	return []key.Binding{bind("enter", "go on"), bind("r", "check again"), bind("a", "go on anyway"), bind("esc", "back")}
}
