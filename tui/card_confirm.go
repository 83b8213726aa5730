package tui

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// confirmation has the user type the name of the card that will be erased,
// then opens it: as the user itself, else with administrator rights.
type confirmation struct {
	device  disk.Device
	typed   textinput.Model
	wrong   bool      // something else was typed
	asked   int       // words that were typed before: a doubtful disk is asked for twice
	newest  time.Time // file on a doubtful disk; zero when none is known
	opening bool
	cancel  context.CancelFunc // of opening as the ordinary user; nil before and with other rights
	granted bool               // the command was shown, enter runs it
}

type newestFile struct {
	path string
	at   time.Time
}

type cardOpened struct {
	card flash.Opened
	err  error
}

// drop closes a card that was opened for a page that is left.
func (m cardOpened) drop() {
	if m.card != nil {
		_ = m.card.Close() // nothing was written
	}
}

func confirmCard(d disk.Device) *confirmation {
	typed := textinput.New()
	typed.Prompt, typed.PromptStyle, typed.CharLimit = "> ", style.Focus, 32
	typed.Focus()
	return &confirmation{device: d, typed: typed}
}

// inspect finds out about the files of a disk that is perhaps not a card.
func (c *confirmation) inspect(s *state) tea.Cmd {
	if c.device.Doubt() == "" {
		return nil
	}
	ctx, newest := s.ctx, s.engine.Newest
	return func() tea.Msg { return newestFile{c.device.Path, newest(ctx, c.device)} }
}

func (c *confirmation) wanted() string { return c.device.Confirm()[c.asked] }

func (c *confirmation) key(s *state, msg tea.KeyMsg) tea.Cmd {
	switch {
	case c.opening:
		return nil
	case msg.String() == "enter" && c.granted:
		return c.grant(s)
	case msg.String() == "enter" && c.typed.Value() != c.wanted():
		c.wrong = true
		return nil
	case msg.String() == "enter" && c.asked+1 < len(c.device.Confirm()):
		c.asked++
		c.typed.SetValue("")
		return nil
	case msg.String() == "enter":
		return c.open(s)
	case c.granted:
		return nil
	}
	c.wrong = false
	c.typed, _ = c.typed.Update(msg) // its cursor does not blink: no command is needed
	return nil
}

func (c *confirmation) open(s *state) tea.Cmd {
	c.opening = true
	ctx, cancel := context.WithCancel(s.ctx)
	c.cancel = cancel
	open := s.engine.Open
	return func() tea.Msg {
		defer cancel()
		card, err := open(ctx, c.device)
		if err == nil && ctx.Err() != nil {
			_ = card.Close() // the user's no came too late to be heard
			return cardOpened{nil, context.Canceled}
		}
		return cardOpened{card, err}
	}
}

func (c *confirmation) grant(s *state) tea.Cmd {
	c.opening = true
	g := s.engine.GrantCard(c.device)
	return exec(g, func(err error) tea.Msg {
		if err != nil {
			return cardOpened{nil, err}
		}
		return cardOpened{g.Card(), nil}
	})
}

// askRights turns a refusal by the file's mode into the question for
// administrator rights, once.
func (c *confirmation) askRights(err error) bool {
	if c.granted || !errors.Is(err, fs.ErrPermission) {
		return false
	}
	c.opening, c.granted, c.cancel = false, true, nil
	return true
}

func (c *confirmation) view(s *state, width, height int) string {
	d := c.device
	head := "Everything on this card will be erased:"
	if c.asked > 0 {
		head = d.Doubt()
	}
	top := style.Danger.Render(wrap(head, width)) + "\n\n" +
		"  " + style.Title.Render(clean.Name(d.Path)) + "  " + diskLabel(d) + "\n" +
		style.Dim.Render(wrap("  "+d.Contents(), width)) + "\n"
	if !c.newest.IsZero() {
		top += style.Warn.Render(wrap("  The newest file on it is from "+c.newest.Format("2 January 2006")+".", width)) + "\n"
	}
	switch {
	case c.opening:
		return s.fit(top, "\n"+style.Dim.Render(wrap("Opening it … If a window asks for your password, that is this computer asking whether piwiz may write to the card.", width)), height)
	case c.granted:
		return s.fit(top+"\n"+wrap("Writing to a card needs administrator rights. piwiz itself stays an ordinary program; only this small step asks for your password:", width)+
			"\n\n"+style.Command.Render(wrap("  "+s.engine.GrantCard(d).Command(), width)), "\nPress enter to run it, esc to stop here.", height)
	}
	ask := "\n" + wrap(c.question(), width) + "\n\n  " + c.typed.View()
	if c.wrong {
		ask += "\n\n" + style.Warn.Render(wrap(style.Failed+" That is not "+c.wanted()+". Type "+c.wanted()+" if this is the card to erase, or press esc to choose another.", width))
	}
	return s.fit(top, ask, height)
}

func (c *confirmation) question() string {
	switch {
	case c.asked > 0:
		return "If everything on it may go, type " + c.wanted() + " and press enter."
	case c.device.Doubt() != "":
		return "Type its name, " + c.device.Name + ", and press enter. You are asked once more."
	}
	return "Type its name, " + c.device.Name + ", and press enter to start writing."
}
