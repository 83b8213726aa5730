package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/firstboot"
	"piwiz/tui/style"
)

// waitPage waits until the host answers with the key that piwiz made.
type waitPage struct {
	run  *run[firstboot.Event, firstboot.Result]
	name string
	over bool
	err  error
}

func (p *waitPage) enter(s *state) tea.Cmd {
	p.name, p.over, p.err = s.saved.Host.Name, false, nil
	saved, wait := s.saved, s.engine.Wait
	p.run = start(s.ctx, func(ctx context.Context, report func(firstboot.Event)) (firstboot.Result, error) {
		return wait(ctx, saved, report)
	})
	return beat(p.run)
}

func (p *waitPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if ended, cmd := p.run.ended(msg); !ended {
			return stay, cmd
		}
		p.over, p.err = true, p.run.err
		if p.err == nil {
			s.found = p.run.result
			return next, nil
		}
	case tea.KeyMsg:
		switch {
		case msg.String() == "r" && p.over:
			return stay, p.enter(s)
		case msg.String() == "q":
			return quit, nil
		}
	}
	return stay, nil
}

func (p *waitPage) view(s *state, width, height int) string {
	name := s.saved.Host.Name
	if p.over && p.err != nil {
		return s.fit(style.OK.Render(style.Done+" The card is written and verified.")+"\n\n"+failure(p.err, width), "\n"+
			wrap("Press r to wait again, or q to leave: the card is fine, and `piwiz wait "+name+"` waits again at any time.", width), height)
	}
	elapsed := since(p.run.began)
	var b strings.Builder
	b.WriteString(style.OK.Render(style.Done+" The card is written and verified.") + "\n\n")
	b.WriteString(wrap(flash.TakeOut(s.safe)+" Then put it into the Raspberry Pi and switch that on. The first start takes one to three minutes.", width) + "\n\n")
	e := p.run.sample()
	text := e.Text
	if text == "" {
		text = "Looking for " + name + ".local on your network."
	}
	fmt.Fprintf(&b, "  %s %s\n  %s\n\n", style.Focus.Render(spin(elapsed)), strings.ReplaceAll(wrap(text, width-4), "\n", "\n    "), style.Dim.Render(clock(elapsed)))
	if elapsed > 3*time.Minute && e.Stage == firstboot.Looking {
		b.WriteString(style.Warn.Render(wrap("Still nothing. Is the green light of the Pi blinking? Is this computer on the same network? Was the Wi-Fi password right? A cable from the Pi to the router helps to tell these apart.", width)))
	}
	return b.String()
}

func (p *waitPage) busy() string {
	if p.run.running() {
		return "The card is ready and nothing is lost. Only the waiting ends; you can go on later with: piwiz wait " + p.name
	}
	return ""
}

func (p *waitPage) stop() { p.run.stop() }

func (p *waitPage) help(*state) []key.Binding {
	if !p.over {
		return []key.Binding{bind("q", "leave")}
	}
	return []key.Binding{bind("r", "wait again"), bind("q", "leave")}
}

func (p *waitPage) failed() error {
	if err := p.run.finalErr(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
