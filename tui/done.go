package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"piwiz/flash/firstboot/sshlogin"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// donePage says what now. The command that it shows was tried: ssh got in with
// it, or the page says why not.
type donePage struct {
	run  *run[struct{}, sshlogin.Way]
	over bool
}

func (p *donePage) enter(s *state) tea.Cmd {
	saved, found, try := s.saved, s.found, s.engine.Login
	p.over = false
	p.run = start(s.ctx, func(ctx context.Context, _ func(struct{})) (sshlogin.Way, error) {
		return try(ctx, saved, found)
	})
	return beat(p.run)
}

func (p *donePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if ended, cmd := p.run.ended(msg); !ended {
			return stay, cmd
		}
		p.over = true
		if p.run.err == nil {
			s.way = p.run.result
		}
	case tea.KeyMsg:
		if k := msg.String(); k == "q" || k == "esc" || k == "enter" && p.over {
			return quit, nil
		}
	}
	return stay, nil
}

func (p *donePage) view(s *state, width, height int) string {
	h := s.saved.Host
	var b strings.Builder
	b.WriteString(style.OK.Render(wrap(fmt.Sprintf(style.Done+" %s answers, with the host key that was made for it.", s.found.Name), width)) + "\n\n")
	if s.found.Hint != "" {
		b.WriteString(style.Warn.Render(wrap(s.found.Hint, width)) + "\n\n")
	}
	b.WriteString(p.login(s, width) + "\n")
	label, key := "Host key", clean.Name(s.saved.Identity.Fingerprint())
	gap := "  "
	if lipgloss.Width(label+gap+key) > width {
		gap = "\n"
	}
	b.WriteString(style.Dim.Render(label) + gap + key + "\n")
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
		b.WriteString("\n" + wrap("Its previous passwords and key are kept in "+s.saved.Kept+".", width))
	}
	return s.fit(b.String(), "", height)
}

// login is how to log in, as far as it is known.
func (p *donePage) login(s *state, width int) string {
	var b strings.Builder
	switch {
	case !p.over:
		return fmt.Sprintf("%s %s", style.Focus.Render(spin(since(p.run.began))), wrap("Trying to log in as you will: ssh finds the Pi, knows it, and offers your key.", width-2)) + "\n"
	case p.run.err != nil:
		return failure(p.run.err, width) + "\n\n" + wrap("Try again: piwiz wait "+s.saved.Host.Name, width) + "\n"
	}
	for _, why := range s.way.Why {
		b.WriteString(style.Warn.Render(wrap(style.Attention+" "+why, width)) + "\n")
	}
	intro := "Log in with:  "
	if !s.way.Works {
		intro = "When that is fixed, log in with:  "
	}
	command := clean.Name(s.way.Command)
	if lipgloss.Width(intro+command) > width {
		intro += "\n"
	}
	b.WriteString(intro + style.Command.Render(wrap(command, width)) + "\n\n")
	for _, fix := range s.way.Fix {
		b.WriteString(wrap(style.Pointer+" "+fix, width) + "\n")
	}
	if s.way.Known != "" {
		b.WriteString(style.Dim.Render(wrap(s.way.Known, width)) + "\n")
	}
	if s.way.Line != "" {
		b.WriteString(wrap("Add this line to "+s.way.File+":", width) + "\n" + style.Command.Render(wrap(clean.Name(s.way.Line), width)) + "\n")
	}
	return b.String()
}

func (p *donePage) busy() string { return "" } // leaving loses nothing: `piwiz wait` tries again

func (p *donePage) stop() { p.run.stop() }

func (p *donePage) help(*state) []key.Binding {
	if !p.over {
		return []key.Binding{bind("q", "leave")}
	}
	return []key.Binding{bind("enter", "leave")}
}

func (p *donePage) failed() error {
	if err := p.run.finalErr(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
