package tui

import (
	"context"

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
func askSecret(s *state, o offer) (*asking, tea.Cmd) {
	ctx, stop := context.WithCancel(s.ctx)
	a := &asking{o, stop}
	ask := s.engine.AskSecret
	return a, func() tea.Msg {
		n, err := ask(ctx, o.Network)
		return secretGiven{a, n, err}
	}
}
