package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/wifi"
)

// asking is a secret that is asked for now. The desktop may have a window
// open, so it takes as long as a person needs, or esc.
type asking struct {
	offer offer
	stop  context.CancelFunc
}

type secretGiven struct {
	of      *asking
	network wifi.Network
	err     error
}

// askSecret asks for the secret of a marked network; only of one that was
// chosen, because the question may reach the user.
func (p *wifiPage) askSecret(s *state, o offer) tea.Cmd {
	ctx, stop := context.WithCancel(s.ctx)
	a := &asking{o, stop}
	p.asking = a
	ask := s.engine.AskSecret
	return func() tea.Msg {
		n, err := ask(ctx, o.Network)
		return secretGiven{a, n, err}
	}
}

// stopAsking takes the question back.
func (p *wifiPage) stopAsking(s *state) {
	if p.asking != nil {
		p.asking.stop()
		p.asking = nil
		p.ask(s)
	}
}

// given takes the secret and goes on, or says why there is none. Administrator
// rights are offered once, where they can help.
func (p *wifiPage) given(s *state, msg secretGiven) (move, tea.Cmd) {
	if msg.of != p.asking {
		return stay, nil // it was taken back
	}
	p.asking.stop()
	o := p.asking.offer
	p.asking = nil
	if msg.err == nil {
		s.wifi.give(o, msg.network)
		return p.keep(s)
	}
	headline, _ := Explain(msg.err)
	p.lacking = fmt.Sprintf("%s. To go on, press ctrl+t and type it in, or unmark it.", headline)
	if errors.Is(msg.err, fs.ErrPermission) && !p.refused {
		p.err, p.more, p.lacking = msg.err, true, ""
		return stay, nil
	}
	s.wifi.give(o, wifi.Network{SSID: o.SSID, Security: o.Security, Hidden: o.Hidden, Connected: o.Connected, From: o.From, Lacks: "its password was not given"})
	p.ask(s)
	return stay, nil
}

// give puts a network in the place of an offer, with what was found out.
func (a *wifiAnswers) give(o offer, n wifi.Network) {
	for i := range a.offers {
		if a.offers[i].id == o.id {
			a.offers[i].asked, a.offers[i].Network = o.Kept, n
		}
	}
}
