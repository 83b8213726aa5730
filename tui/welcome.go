package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/hostfile"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// welcomePage: a new Pi, or one saved before whose card died.
type welcomePage struct {
	hosts    []hostfile.Saved
	problems []error
	err      error
	cursor   int
}

func (p *welcomePage) enter(s *state) tea.Cmd {
	p.hosts, p.problems, p.err = s.engine.Hosts()
	p.cursor = 1 + slices.IndexFunc(p.hosts, func(h hostfile.Saved) bool { return h.Host.Name == s.origin })
	return nil
}

func (p *welcomePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return stay, nil
	}
	switch k.String() {
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = min(p.cursor+1, len(p.hosts)+1)
	case "q":
		return quit, nil
	case "enter":
		return p.choose(s), nil
	}
	return stay, nil
}

func (p *welcomePage) choose(s *state) move {
	switch {
	case p.cursor == 0:
		s.takeNew()
		return next
	case p.cursor <= len(p.hosts):
		s.takeSaved(p.hosts[p.cursor-1])
		return next
	}
	return quit
}

func (p *welcomePage) view(s *state, width, height int) string {
	head := wrap("piwiz makes an SD card for a Raspberry Pi that runs NixOS and can be reached by its name over SSH, without ever connecting a screen or keyboard to it.", width) + "\n\n"
	rows := []string{"Set up a new Raspberry Pi"}
	for _, h := range p.hosts {
		rows = append(rows, "Replace the dead card of "+style.Title.Render(clean.Name(h.Host.Name)))
	}
	rows = append(rows, "Leave")
	for i, r := range rows {
		rows[i] = row(r, i == p.cursor)
	}
	foot := "\n"
	if p.cursor > 0 && p.cursor <= len(p.hosts) {
		same := "  Same name, same keys, same settings."
		if s.changed(p.hosts[p.cursor-1]) {
			same = "  With the changes you made. They are saved when the build begins."
		}
		foot += style.Dim.Render(same) + "\n"
	}
	foot += notes(p.problems, width)
	if p.err != nil {
		foot += failure(p.err, width)
	}
	return head + around(rows, p.cursor, height-strings.Count(head+foot, "\n")) + foot
}

func (p *welcomePage) help(*state) []key.Binding {
	return []key.Binding{bind("↑↓", "choose"), bind("enter", "go on")}
}

// row is one line of a list to choose from.
func row(text string, selected bool) string {
	if selected {
		return style.Focus.Render("► ") + text
	}
	return "  " + text
}
