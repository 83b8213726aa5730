package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// donePage says what now. The host's key is in known_hosts by then, so the
// first login asks nothing.
type donePage struct {
	note   string
	err    error
	pinned bool
}

type pinned struct {
	note string
	err  error
}

func (p *donePage) enter(s *state) tea.Cmd {
	saved, found, pin := s.saved, s.found, s.engine.Pin
	return func() tea.Msg {
		note, err := pin(saved, found)
		return pinned{note, err}
	}
}

func (p *donePage) update(_ *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case pinned:
		p.note, p.err, p.pinned = msg.note, msg.err, true
	case tea.KeyMsg:
		if k := msg.String(); k == "enter" || k == "q" || k == "esc" {
			return quit, nil
		}
	}
	return stay, nil
}

func (p *donePage) view(s *state, width, height int) string {
	h := s.saved.Host
	var b strings.Builder
	b.WriteString(style.OK.Render(wrap(fmt.Sprintf("√ %s answers, with the host key that was made for it.", s.found.Name), width)) + "\n\n")
	if s.found.Hint != "" {
		b.WriteString(style.Warn.Render(wrap(s.found.Hint, width)) + "\n\n")
	}
	b.WriteString("Log in with:  " + style.Command.Render(clean.Name(fmt.Sprintf("ssh %s@%s", h.User, s.found.Name))) + "\n\n")
	b.WriteString(style.Dim.Render("Host key  ") + clean.Name(s.saved.Identity.Fingerprint()) + "\n")
	if p.pinned && p.err == nil {
		b.WriteString(style.Dim.Render(wrap(p.note, width)) + "\n")
	}
	if p.err != nil {
		b.WriteString("\n" + failure(p.err, width) + "\n")
	}
	b.WriteString("\n" + wrap("If this card dies: start piwiz, choose \"Replace the dead card of "+h.Name+"\". Same host, same keys. Or run:", width) + "\n\n")
	card := s.card.Path
	if s.card.Any {
		card += " --any-disk"
	}
	again := fmt.Sprintf("piwiz build %[1]s && piwiz flash %[1]s %[2]s && piwiz wait %[1]s", h.Name, card)
	b.WriteString(style.Command.Render(wrap(clean.Name(again), width)) + "\n")
	if s.saved.Folder != "" {
		b.WriteString("\n" + wrap("Back up this folder; its keys and passwords are nowhere else: "+s.saved.Folder+". One encrypted file of it: piwiz hosts export "+h.Name, width))
	}
	if s.saved.Kept != "" {
		b.WriteString("\n" + wrap("Its passwords and key as they were before are kept in "+s.saved.Kept+".", width))
	}
	return s.fit(b.String(), "", height)
}

func (p *donePage) help(*state) []key.Binding { return []key.Binding{bind("enter", "leave")} }
