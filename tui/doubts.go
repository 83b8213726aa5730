package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// decide takes the answer to the doubts. The yes is saved with the host, so that
// nobody is asked twice.
func (p *buildPage) decide(s *state, k string) (move, tea.Cmd) {
	switch k {
	case "esc":
		return back, nil
	case "enter":
		return move("wifi"), nil // all of them can be put right there, but for the release
	case "y":
		var keys []string
		for _, d := range p.doubts {
			keys = append(keys, d.Key)
		}
		s.saved.Host = s.saved.Host.Confirm(keys...)
		p.doubts = nil
		return stay, p.look(s)
	}
	return stay, nil
}

// doubted asks about the answers, all at once.
func doubted(doubts []nixgen.Doubt, width int) string {
	text := []string{style.Warn.Render(wrap("Is this what you want?", width))}
	for _, d := range doubts {
		text = append(text, wrap(clean.Line(d.Text), width))
	}
	return strings.Join(text, "\n\n")
}
