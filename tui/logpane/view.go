package logpane

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"piwiz/tui/style"
)

// View draws the pane: exactly height lines (at least two), none wider than
// width cells. The last line tells where the window stands.
func (p *Pane) View(width, height int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	width, p.height = max(width, 1), max(height-1, 1)
	var b strings.Builder
	top := p.window()
	for i := top; i < top+p.height; i++ {
		if i < p.shown().total {
			b.WriteString(p.draw(i, width))
		}
		b.WriteByte('\n')
	}
	b.WriteString(ansi.Truncate(p.status(top), width, style.Dots))
	return b.String()
}

// draw renders one line: errors with a sign and in red, hits reversed.
func (p *Pane) draw(i, width int) string {
	l, st := p.shown().line(i), style.Text
	text := l.Text
	if l.Err {
		text, st = style.Failed+" "+text, style.Danger
	}
	text = ansi.Truncate(text, width, style.Dots)
	if p.query == "" {
		return st.Render(text)
	}
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // some letters change their length: the places would be wrong
		return st.Render(text)
	}
	var b strings.Builder
	for {
		at := strings.Index(lower, p.query)
		if at < 0 {
			return b.String() + st.Render(text)
		}
		end := at + len(p.query)
		b.WriteString(st.Render(text[:at]) + style.Match.Render(text[at:end]))
		text, lower = text[end:], lower[end:]
	}
}

func (p *Pane) status(top int) string {
	total := p.shown().total
	below, about := total-top-p.height, ""
	if p.only != "" {
		about = "only " + p.only + " (d: the next one, esc: all lines); "
	}
	switch {
	case p.typing:
		return style.Focus.Render("/") + p.query + style.Match.Render(" ")
	case p.missed:
		return style.Warn.Render(fmt.Sprintf("no line with %q", p.query))
	case p.follow:
		return style.Dim.Render(about + fmt.Sprintf("following line %d", total))
	case below > 0:
		return style.Dim.Render(about + fmt.Sprintf("paused, %d more lines below; end: follow again", below))
	}
	return style.Dim.Render(about + "paused; end: follow again")
}
