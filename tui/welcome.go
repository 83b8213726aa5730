package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// welcomePage: a new Pi, or one saved before whose card died. What is wrong
// with a saved host is shown before anything else is done with it.
type welcomePage struct {
	hosts    []hostfile.Saved
	problems []error
	err      error
	cursor   int
	chosen   *hostfile.Saved // has problems, which are on the screen
	others   bool            // the problems of what cannot be chosen are
}

func (p *welcomePage) enter(s *state) tea.Cmd {
	p.read(s)
	p.chosen, p.others = nil, false
	p.cursor = 1 + slices.IndexFunc(p.hosts, func(h hostfile.Saved) bool { return h.Host.Name == s.origin })
	return nil
}

func (p *welcomePage) read(s *state) { p.hosts, p.problems, p.err = s.engine.Hosts() }

// rows are what can be chosen: a new host, the saved ones, what is wrong with
// others, the end.
func (p *welcomePage) rows() []string {
	rows := []string{"Set up a new Raspberry Pi"}
	for _, h := range p.hosts {
		text := "Replace the dead card of " + style.Title.Render(clean.Name(h.Host.Name))
		if len(h.Problems) > 0 {
			text += style.Warn.Render("  " + style.Attention)
		}
		rows = append(rows, text)
	}
	if len(p.problems) > 0 {
		rows = append(rows, "Show what is wrong with other saved hosts")
	}
	return append(rows, "Leave")
}

func (p *welcomePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return stay, nil
	}
	if p.chosen != nil || p.others {
		return p.decide(s, k.String()), nil
	}
	switch k.String() {
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = min(p.cursor+1, len(p.rows())-1)
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
		h := p.hosts[p.cursor-1]
		if len(h.Problems) > 0 {
			p.chosen = &h
			return stay
		}
		s.takeSaved(h)
		return next
	case p.cursor < len(p.rows())-1:
		p.others = true
		return stay
	}
	return quit
}

// decide is what follows from the problems on the screen.
func (p *welcomePage) decide(s *state, k string) move {
	h := p.chosen
	switch {
	case k == "esc":
		p.chosen, p.others = nil, false
	case k == "r":
		p.again(s)
	case h == nil || h.Lacks(inspect.Stop):
	case k == "y" && h.Lacks(inspect.NoKey), k == "enter" && !h.Lacks(inspect.NoKey):
		s.takeSaved(*h)
		s.saved.NewKey = h.Lacks(inspect.NoKey)
		if h.Lacks(inspect.NoPassword) {
			return move("wifi")
		}
		return next
	}
	return stay
}

// again reads the hosts once more; perhaps what was wrong is fixed.
func (p *welcomePage) again(s *state) {
	p.read(s)
	p.others = p.others && len(p.problems) > 0
	if p.chosen == nil {
		return
	}
	name := p.chosen.Host.Name
	p.chosen = nil
	for i, h := range p.hosts {
		if h.Host.Name == name {
			p.cursor = 1 + i
			if len(h.Problems) > 0 {
				p.chosen = &h
			}
		}
	}
}

func (p *welcomePage) view(s *state, width, height int) string {
	switch {
	case p.chosen != nil:
		var all []error
		for _, x := range p.chosen.Problems {
			all = append(all, x)
		}
		return s.fit(failures(all, width), "\n"+wrap(wayOn(*p.chosen), width), height)
	case p.others:
		return s.fit(failures(p.problems, width), "\n"+wrap("Press r when it is fixed, or esc to go back.", width), height)
	}
	head := wrap("piwiz makes an SD card for a Raspberry Pi that runs NixOS and can be reached by its name over SSH, without ever connecting a screen or keyboard to it.", width) + "\n\n"
	rows := p.rows()
	for i, r := range rows {
		rows[i] = row(r, i == p.cursor)
	}
	foot := "\n"
	if p.cursor > 0 && p.cursor <= len(p.hosts) {
		foot += p.about(s, p.hosts[p.cursor-1]) + "\n"
	}
	switch n := len(p.problems); {
	case n == 1:
		foot += notes(p.problems, width)
	case n > 1:
		foot += style.Warn.Render(wrap(fmt.Sprintf("Skipped: %d problems with other saved hosts.", n), width)) + "\n"
	}
	if p.err != nil {
		foot += failure(p.err, width)
	}
	return head + around(rows, p.cursor, height-strings.Count(head+foot, "\n")) + foot
}

// about is a line on the host under the cursor.
func (p *welcomePage) about(s *state, h hostfile.Saved) string {
	switch {
	case len(h.Problems) > 0:
		return style.Warn.Render("  Something is wrong with it. Press enter to see what.")
	case s.changed(h):
		return style.Dim.Render("  With the changes you made. They are saved when the build begins.")
	}
	return style.Dim.Render("  Same name, same keys, same settings.")
}

// wayOn says how to go on with a host that has problems.
func wayOn(h hostfile.Saved) string {
	name := h.Host.Name
	switch {
	case h.Lacks(inspect.Stop):
		return "Nothing can be built until this is fixed. Press r when it is, or esc to go back."
	case h.Lacks(inspect.NoKey):
		return "It is best to restore the key; press r when that is done. Press y for a new host key: each computer that has logged in to " + name + " will then refuse it until its known_hosts is changed."
	case h.Lacks(inspect.NoPassword):
		return "Press enter to choose the Wi-Fi networks again; everything else is kept. Press r when it is fixed, or esc to go back."
	}
	return "Press enter to go on anyway, r when it is fixed, or esc to go back."
}

func (p *welcomePage) help(*state) []key.Binding {
	if p.chosen != nil || p.others {
		keys := []key.Binding{bind("r", "read again"), bind("esc", "back")}
		switch h := p.chosen; {
		case h == nil || h.Lacks(inspect.Stop):
			return keys
		case h.Lacks(inspect.NoKey):
			return append([]key.Binding{bind("y", "new key")}, keys...)
		}
		return append([]key.Binding{bind("enter", "go on")}, keys...)
	}
	return []key.Binding{bind(style.UpDown, "choose"), bind("enter", "go on")}
}
