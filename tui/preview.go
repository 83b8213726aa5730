package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/viewport"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/tui/clean"
	"piwiz/tui/nixtext"
	"piwiz/tui/style"
)

// previewPage shows the very bytes that will be built, file by file.
type previewPage struct {
	files []nixgen.File
	own   string // path of the user's own file
	err   error
	at    int
	pane  viewport.Model
}

type edited struct{ err error }

func (p *previewPage) enter(s *state) tea.Cmd {
	p.files, p.own, p.err = s.engine.Preview(s.saved)
	p.at = 0
	for i, f := range p.files {
		if f.Name == "piwiz.nix" {
			p.at = i
		}
	}
	p.fill(s)
	return nil
}

func (p *previewPage) fill(s *state) {
	offset := p.pane.YOffset
	p.pane = viewport.New(max(s.width-4, 1), max(s.height-9, 1))
	if p.at < len(p.files) {
		p.pane.SetHorizontalStep(8)
		p.pane.SetContent(nixtext.Colour(clean.Text(p.files[p.at].Text)))
		p.pane.SetYOffset(offset)
	}
}

func (p *previewPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		p.fill(s)
		return stay, nil
	case edited:
		cmd := p.enter(s)
		if msg.err != nil {
			p.err = msg.err
		}
		return stay, cmd
	case tea.KeyMsg:
		switch msg.String() {
		case "esc":
			return back, nil
		case "enter":
			if p.files != nil {
				return next, nil
			}
			return stay, nil
		case "tab", "shift+tab":
			p.turn(s, msg.String())
			return stay, nil
		case "e":
			return stay, exec(s.engine.Edit(s.saved), func(err error) tea.Msg { return edited{err} })
		}
	}
	var cmd tea.Cmd
	p.pane, cmd = p.pane.Update(msg)
	return stay, cmd
}

func (p *previewPage) turn(s *state, k string) {
	if len(p.files) == 0 {
		return
	}
	step := 1
	if k == "shift+tab" {
		step = len(p.files) - 1
	}
	p.at = (p.at + step) % len(p.files)
	p.pane.YOffset = 0
	p.fill(s)
}

func (p *previewPage) view(s *state, width, height int) string {
	if p.files == nil {
		return failure(p.err, width)
	}
	var tabs []string
	for i, f := range p.files {
		name := " " + clean.Name(f.Name) + " "
		if i == p.at {
			name = style.Selected.Render(name)
		}
		tabs = append(tabs, name)
	}
	note := "Written by piwiz from your answers. No password or private key is in it. Press tab for the other files."
	if f := p.files[p.at]; f.Once {
		note = "This file is yours: " + p.own + "  Press e to edit it."
	}
	note = style.Dim.Render(wrap(note, width))
	top := ""
	if p.err != nil {
		top = failure(p.err, width) + "\n"
	}
	p.pane.Height = max(height-2-lines(note)-spare(top), 3)
	head := strings.Join(tabs, style.Dim.Render(style.Bar)) + style.Dim.Render(fmt.Sprintf("  %3.0f %%", 100*p.pane.ScrollPercent()))
	return s.fit(top, head+"\n"+p.pane.View()+"\n"+note, height)
}

func (p *previewPage) help(*state) []key.Binding {
	return []key.Binding{bind("enter", "build it"), bind("tab", "file"), bind("e", "edit yours"), bind(style.UpDown+style.Left+style.Right, "scroll"), bind("esc", "back")}
}

func (p *previewPage) failed() error { return p.err }
