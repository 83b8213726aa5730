package tui

import (
	"errors"
	"io/fs"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/tui/style"
)

// confirmation has the user type the name of the card that will be erased,
// then opens it: as the user itself, else with administrator rights.
type confirmation struct {
	device  disk.Device
	name    textinput.Model
	wrong   bool // another name was typed
	opening bool
	granted bool // the command was shown, enter runs it
}

type cardOpened struct {
	card Card
	err  error
}

func confirmCard(d disk.Device) *confirmation {
	name := textinput.New()
	name.Prompt, name.PromptStyle, name.CharLimit = "> ", style.Focus, 32
	name.Focus()
	return &confirmation{device: d, name: name}
}

func (c *confirmation) key(s *state, msg tea.KeyMsg) tea.Cmd {
	switch {
	case c.opening:
		return nil
	case msg.String() == "enter" && c.granted:
		return c.grant(s)
	case msg.String() == "enter" && c.name.Value() == c.device.Name:
		return c.open(s)
	case msg.String() == "enter":
		c.wrong = true
		return nil
	case c.granted:
		return nil
	}
	c.wrong = false
	c.name, _ = c.name.Update(msg) // its cursor does not blink: no command is needed
	return nil
}

func (c *confirmation) open(s *state) tea.Cmd {
	c.opening = true
	open := s.engine.Open
	return func() tea.Msg {
		card, err := open(c.device)
		return cardOpened{card, err}
	}
}

func (c *confirmation) grant(s *state) tea.Cmd {
	c.opening = true
	g := s.engine.GrantCard(c.device)
	return tea.Exec(g, func(err error) tea.Msg {
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
	c.opening, c.granted = false, true
	return true
}

func (c *confirmation) view(s *state, width int) string {
	d := c.device
	top := style.Danger.Render(wrap("Everything on this card will be erased:", width)) + "\n\n" +
		"  " + style.Title.Render(d.Path) + "  " + nameOf(d) + "\n" +
		style.Dim.Render(wrap("  "+d.Contents(), width)) + "\n\n"
	switch {
	case c.opening:
		return top + style.Dim.Render("Opening it …")
	case c.granted:
		return top + wrap("Writing to a card needs administrator rights. piwiz itself stays an ordinary program; only this small step asks for your password:", width) +
			"\n\n" + style.Command.Render(wrap("  "+s.engine.GrantCard(d).Command(), width)) + "\n\nPress enter to run it, esc to stop here."
	}
	ask := wrap("Type its name, "+d.Name+", and press enter to start writing.", width) + "\n\n  " + c.name.View()
	if c.wrong {
		ask += "\n\n" + style.Warn.Render(wrap("× That is not its name. Type "+d.Name+" if this is the card to erase, or press esc to choose another.", width))
	}
	return top + ask
}
