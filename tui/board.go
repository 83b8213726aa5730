package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/tui/style"
)

// boardPage asks for the model. Boards that cannot work yet are listed with
// the reason, because a missing line looks like a fault.
type boardPage struct{ cursor int }

func (p *boardPage) enter(s *state) tea.Cmd {
	for i, b := range nixgen.Boards() {
		if b.Board == s.saved.Host.Board && b.Refused == "" {
			p.cursor = i
		}
	}
	return nil
}

func (p *boardPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return stay, nil
	}
	boards := nixgen.Boards()
	switch k.String() {
	case "esc":
		return back, nil
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = min(p.cursor+1, len(boards)-1)
	case "enter":
		if boards[p.cursor].Refused == "" {
			s.saved.Host.Board = boards[p.cursor].Board
			return next, nil
		}
	}
	return stay, nil
}

func (p *boardPage) view(_ *state, width, _ int) string {
	var b strings.Builder
	b.WriteString(wrap("The model is printed on the board, near the middle.", width) + "\n\n")
	boards := nixgen.Boards()
	for i, o := range boards {
		title := o.Title
		if o.Refused != "" {
			title = style.Dim.Render(title)
		}
		b.WriteString(row(title, i == p.cursor) + "\n")
	}
	o := boards[p.cursor]
	if o.Refused != "" {
		b.WriteString("\n" + style.Warn.Render(wrap(o.Refused, width)))
	} else {
		b.WriteString("\n" + style.Dim.Render(wrap(o.Note, width)))
	}
	return b.String()
}

func (p *boardPage) help(*state) []key.Binding {
	return []key.Binding{bind("↑↓", "choose"), bind("enter", "go on"), bind("esc", "back")}
}
