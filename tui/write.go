package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/meter"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// writePage writes the card and verifies it. There is no way back from here
// until it is done or has failed.
type writePage struct {
	run  *run[flash.Progress, flash.Written]
	over bool
	err  error
}

func (p *writePage) enter(s *state) tea.Cmd {
	p.over, p.err, s.written, s.safe = false, nil, true, false
	saved, card, d, write := s.saved, s.opened, s.card, s.engine.Write
	s.opened = nil // it is closed by the work itself
	p.run = start(s.ctx, func(ctx context.Context, report func(flash.Progress)) (flash.Written, error) {
		return write(ctx, saved, card, d, report)
	})
	return beat(p.run)
}

func (p *writePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if ended, cmd := p.run.ended(msg); !ended {
			return stay, cmd
		}
		p.over, p.err = true, p.run.err
		s.safe = p.run.result.Ejected
		if p.err == nil {
			return next, nil
		}
		s.written = false // nothing more can be lost: another card may be chosen
	case tea.KeyMsg:
		if p.over && msg.String() == "enter" {
			return "card", nil
		}
	}
	return stay, nil
}

func (p *writePage) view(s *state, width, height int) string {
	if p.over && p.err != nil {
		return s.fit(failure(p.err, width), "\n"+wrap("Press enter to choose a card again, this one or another.", width), height)
	}
	g := p.run.sample()
	var b strings.Builder
	b.WriteString("  " + style.Title.Render(clean.Name(s.card.Path)) + "  " + diskLabel(s.card) + "\n\n")
	for _, st := range []struct {
		stage meter.Stage
		name  string
	}{{meter.Writing, "Writing"}, {meter.Verifying, "Verifying it"}, {meter.Finishing, "Making it bootable"}} {
		share := 0.0
		switch {
		case g.Stage > st.stage:
			share = 1
		case g.Stage == st.stage && g.Total > 0:
			share = float64(g.Done) / float64(g.Total)
		}
		fmt.Fprintf(&b, "  %-20s%s %3.0f %%\n", st.name, bar(share, width-30), share*100)
	}
	fmt.Fprintf(&b, "\n  %s\n  ", amount(g))
	if g.Left >= 0 && g.Rate > 0 {
		fmt.Fprintf(&b, "about %s left in this step"+style.Between, clock(g.Left))
	}
	fmt.Fprintf(&b, "%s so far\n", clock(since(p.run.began)))
	if g.Stalled > 0 {
		b.WriteString("\n" + style.Warn.Render(wrap("  "+g.Stall(), width)))
	}
	b.WriteString("\n" + style.Dim.Render(wrap("Only bytes that the card has accepted are counted. The first block is written last, so a card that is not finished does not boot.", width)))
	return b.String()
}

// amount is how much of the step is done, and how fast.
func amount(g flash.Progress) string {
	text := "Reading the image"
	if g.Total > 0 {
		text = disk.Human(g.Done) + " of " + disk.Human(g.Total)
	}
	if g.Rate > 0 {
		text += fmt.Sprintf(style.Between+"%.1f MB/s", g.Rate/1e6)
	}
	return text
}

func (p *writePage) busy() string {
	if p.run.running() {
		return "The card is half written. It will not boot until it is written again; what was on it before is lost."
	}
	return ""
}

func (p *writePage) stop() { p.run.stop() }

func (p *writePage) help(*state) []key.Binding {
	if p.over {
		return []key.Binding{bind("enter", "choose a card")}
	}
	return nil
}

func (p *writePage) failed() error { return p.run.finalErr() }
