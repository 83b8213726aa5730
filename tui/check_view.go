package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"piwiz/tui/style"
)

// fill writes the findings into the pane and keeps the one under the cursor
// in sight.
func (p *checkPage) fill(s *state) {
	width := max(s.width-4, 1)
	var lines []string
	for i, r := range p.results {
		r.first = len(lines)
		lines = append(lines, strings.Split(p.finding(s.engine.Checks[i].Name, i, width), "\n")...)
		r.end = len(lines)
	}
	room := max(s.height-4-lipgloss.Height(p.advice(width))-1-spare(p.lastEnd(width)), 1)
	p.pane.Width, p.pane.Height = width, min(room, len(lines))
	p.pane.SetContent(strings.Join(lines, "\n"))
	if len(p.results) == 0 {
		return
	}
	at := p.results[p.cursor]
	if at.end > p.pane.YOffset+p.pane.Height {
		p.pane.SetYOffset(at.end - p.pane.Height)
	}
	if at.first < p.pane.YOffset {
		p.pane.SetYOffset(at.first)
	}
}

// finding draws one line, and below it why it matters and what to do.
func (p *checkPage) finding(name string, i, width int) string {
	r := p.results[i]
	pointer := "  "
	if i == p.cursor && p.worst() >= 0 {
		pointer = style.Focus.Render(style.Pointer) + " "
	}
	sign, text := style.Dim.Render("·"), style.Dim.Render(hang(name+" …", width))
	switch {
	case !r.done:
	case r.State == OK:
		sign, text = style.OK.Render(style.Done), hang(r.What, width)
	case r.State == Skipped:
		text = style.Dim.Render(hang(r.What, width))
	case r.State == Warning:
		sign, text = style.Warn.Render("!"), style.Warn.Render(hang(r.What, width))
	default:
		sign, text = style.Danger.Render(style.Failed), style.Danger.Render(hang(r.What, width))
	}
	if p.stillWrong(i) {
		text += "\n" + style.Danger.Render(hang(p.vain(), width))
	}
	if r.Why != "" {
		text += "\n" + style.Dim.Render(hang(r.Why, width))
	}
	if r.Command != "" {
		text += "\n" + style.Command.Render(hang(r.Command, width))
	}
	for _, do := range r.Todo {
		text += "\n" + hang(do, width)
	}
	return pointer + sign + " " + strings.ReplaceAll(text, "\n", "\n    ")
}

// vain says how the command ended that did not help.
func (p *checkPage) vain() string {
	if p.err == nil {
		return "The command ended without an error, but this is still wrong."
	}
	headline, _ := Explain(p.err)
	return "This is still wrong. " + headline
}

// advice is the last lines of the page: what can be done now.
func (p *checkPage) advice(width int) string {
	var b strings.Builder
	pending, states := p.count()
	switch {
	case states[Failure] > 0 && p.repair() != "":
		b.WriteString(wrap("Press f to fix what the arrow points to: the command is shown first. a goes on anyway, but the build will not work yet.", width))
	case states[Failure] > 0:
		b.WriteString(wrap("Fix what is marked, then press r to check again. a goes on anyway, but the build will not work yet.", width))
	case pending > 0:
		b.WriteString(style.Dim.Render("Looking …"))
	case states[Warning] > 0:
		b.WriteString(wrap("All is well but for what is marked with !, which need not stop you. Press enter to go on.", width))
	default:
		b.WriteString("All is well. Press enter to go on.")
	}
	return b.String()
}

// lastEnd is the last command's end when that was bad.
func (p *checkPage) lastEnd(width int) string {
	if p.err == nil || p.tried >= 0 && p.stillWrong(p.tried) { // the finding itself says it
		return ""
	}
	headline, _ := Explain(p.err)
	return style.Danger.Render(wrap(headline, width)) + "\n"
}

func (p *checkPage) view(s *state, width, height int) string {
	if p.offer != "" {
		return s.fit(wrap("piwiz will leave these pages for a moment and run this on your terminal:", width)+"\n\n  "+
			style.Command.Render(strings.ReplaceAll(hang(p.offer, width), "\n", "\n  ")), "\n"+wrap("Press enter to run it: your password may be asked for. Then this computer is checked again. Press esc not to.", width), height)
	}
	more := ""
	if !p.pane.AtBottom() {
		more = style.Dim.Render("    " + style.Down + " more below")
	}
	return s.fit(p.lastEnd(width), p.pane.View()+"\n"+more+"\n"+p.advice(width), height)
}
