package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/sshkey"
	"piwiz/tui/style"
)

// keysPage asks which SSH keys may log in. There is no password login, so at
// least one is needed.
type keysPage struct {
	keys     []sshkey.PublicKey
	problems []error
	err      error
	read     bool
	marked   map[string]bool // by line of the key
	cursor   int
}

type keysRead struct {
	keys     []sshkey.PublicKey
	problems []error
}

type keyMade struct {
	key sshkey.PublicKey
	err error
}

func (p *keysPage) enter(s *state) tea.Cmd {
	if p.read {
		return nil
	}
	ctx, find := s.ctx, s.engine.Keys
	return func() tea.Msg {
		k, problems := find(ctx)
		return keysRead{k, problems}
	}
}

func (p *keysPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case keysRead:
		p.read, p.keys, p.problems = true, msg.keys, msg.problems
		p.marked = map[string]bool{}
		for _, line := range s.saved.Host.Keys {
			p.marked[line] = true
		}
		if len(p.marked) == 0 && len(p.keys) > 0 {
			p.marked[p.keys[0].Line] = true
		}
	case keyMade:
		p.err = msg.err
		if msg.err == nil {
			p.keys = append(p.keys, msg.key)
			p.marked[msg.key.Line] = true
		}
	case tea.KeyMsg:
		return p.key(s, msg.String())
	}
	return stay, nil
}

func (p *keysPage) key(s *state, k string) (move, tea.Cmd) {
	switch k {
	case "esc":
		return back, nil
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = max(min(p.cursor+1, len(p.keys)-1), 0)
	case " ", "x":
		if p.cursor < len(p.keys) {
			line := p.keys[p.cursor].Line
			p.marked[line] = !p.marked[line]
		}
	case "m":
		if p.read && len(p.keys) == 0 {
			makeKey := s.engine.MakeKey
			return stay, func() tea.Msg {
				made, err := makeKey()
				return keyMade{made, err}
			}
		}
	case "enter":
		return p.keep(s), nil
	}
	return stay, nil
}

func (p *keysPage) keep(s *state) move {
	var lines []string
	for _, k := range p.keys {
		if p.marked[k.Line] && !slices.Contains(lines, k.Line) {
			lines = append(lines, k.Line)
		}
	}
	if len(lines) == 0 {
		return stay
	}
	s.saved.Host.Keys = lines
	return next
}

func (p *keysPage) view(_ *state, width, height int) string {
	if !p.read {
		return style.Dim.Render("Looking for your SSH keys …")
	}
	var b strings.Builder
	b.WriteString(notes(p.problems, width))
	if p.err != nil {
		b.WriteString(failure(p.err, width) + "\n\n")
	}
	if len(p.keys) == 0 {
		b.WriteString(wrap("You have no SSH key yet. It takes the place of a password: one half stays on this computer, the other goes to the Pi. Press m to make one now.", width))
		return b.String()
	}
	b.WriteString(wrap("Keys that may log in. There is no password login, so mark at least one.", width) + "\n\n")
	room := max((height-6)/2, 1)
	from := max(0, min(p.cursor-room/2, len(p.keys)-room))
	for i := from; i < min(from+room, len(p.keys)); i++ {
		k := p.keys[i]
		box := "○ "
		if p.marked[k.Line] {
			box = style.OK.Render("● ")
		}
		b.WriteString(row(box+k.Type+"  "+style.Title.Render(k.Comment)+"  "+style.Dim.Render(k.Source), i == p.cursor) + "\n")
		b.WriteString("      " + style.Dim.Render(k.Fingerprint) + "\n")
	}
	return b.String()
}

func (p *keysPage) help(*state) []key.Binding {
	h := []key.Binding{bind("↑↓", "choose"), bind("space", "mark"), bind("enter", "go on"), bind("esc", "back")}
	if p.read && len(p.keys) == 0 {
		h = []key.Binding{bind("m", "make a key"), bind("esc", "back")}
	}
	return h
}
