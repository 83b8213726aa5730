package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/tui/style"
)

// boardPage asks for the model. Boards that cannot work yet are listed with
// the reason, because a missing line looks like a fault.
type boardPage struct {
	boards []nixgen.BoardInfo
	cursor int
}

// enter puts the cursor where it was. A saved board that this piwiz does not
// know is a line of its own, so that none other is taken for it.
func (p *boardPage) enter(s *state) tea.Cmd {
	p.boards, p.cursor = nixgen.Boards(), 0
	if b := s.saved.Host.Board; b != "" && p.find(b) < 0 {
		p.boards = append(p.boards, nixgen.BoardInfo{Board: b, Title: "Board " + string(b), Refused: "This is the board saved with " + s.origin + ", but this piwiz does not know it. Choose another, or use a newer piwiz."})
	}
	p.cursor = max(p.find(s.board), 0)
	return nil
}

func (p *boardPage) find(board nixgen.Board) int {
	return slices.IndexFunc(p.boards, func(b nixgen.BoardInfo) bool { return b.Board == board })
}

func (p *boardPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return stay, nil
	}
	switch k.String() {
	case "esc":
		return back, nil
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = min(p.cursor+1, len(p.boards)-1)
	case "enter":
		if o := p.boards[p.cursor]; o.Refused == "" {
			s.saved.Host.Board, s.board = o.Board, o.Board
			return next, nil
		}
	}
	s.board = p.boards[p.cursor].Board
	return stay, nil
}

func (p *boardPage) view(_ *state, width, height int) string {
	o := p.boards[p.cursor]
	note := style.Dim.Render(wrap(o.Says(), width))
	if o.Refused != "" {
		note = style.Warn.Render(wrap(o.Says(), width))
	}
	head := wrap("The model is printed on the board, near the middle.", width) + "\n\n"
	var rows []string
	for i, b := range p.boards {
		title := b.Title
		if b.Refused != "" {
			title = style.Dim.Render(title)
		}
		rows = append(rows, row(title, i == p.cursor))
	}
	return head + around(rows, p.cursor, height-lines(head+note)-1) + "\n" + note
}

func (p *boardPage) help(*state) []key.Binding {
	return []key.Binding{bind(style.UpDown, "choose"), bind("enter", "go on"), bind("esc", "back")}
}
