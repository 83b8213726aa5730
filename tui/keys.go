package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"piwiz/nixgen/sshkey"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// keysPage asks which SSH keys may log in. There is no password login, so at
// least one is needed.
type keysPage struct {
	problems []error
	err      error
	read     bool // the answer to reading came
	making   bool
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

// enter asks each time: a key that was made meanwhile shows up.
func (p *keysPage) enter(s *state) tea.Cmd {
	p.read, p.making, p.err, p.cursor = false, false, nil, 0
	ctx, find := s.ctx, s.engine.Keys
	return func() tea.Msg {
		k, problems := find(ctx)
		return keysRead{k, problems}
	}
}

func (p *keysPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case keysRead:
		p.read, p.problems = true, msg.problems
		s.logins.know(msg.keys)
	case keyMade:
		p.making, p.err = false, msg.err
		if msg.err == nil {
			s.logins.take(msg.key)
		}
	case tea.KeyMsg:
		return p.key(s, msg.String())
	}
	return stay, nil
}

func (p *keysPage) key(s *state, k string) (move, tea.Cmd) {
	keys := s.logins.keys
	switch {
	case k == "esc":
		return back, nil
	case !p.read:
		return stay, nil
	}
	switch k {
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = max(min(p.cursor+1, len(keys)-1), 0)
	case " ", "x":
		if p.cursor < len(keys) {
			keys[p.cursor].marked = !keys[p.cursor].marked
		}
	case "m":
		if len(keys) == 0 && !p.making {
			p.making = true
			makeKey := s.engine.MakeKey
			return stay, func() tea.Msg {
				made, err := makeKey()
				return keyMade{made, err}
			}
		}
	case "enter":
		if lines := s.logins.lines(); len(lines) > 0 {
			s.saved.Host.Keys = lines
			return next, nil
		}
	}
	return stay, nil
}

func (p *keysPage) view(s *state, width, height int) string {
	if !p.read {
		return style.Dim.Render("Looking for your SSH keys …")
	}
	top := notes(p.problems, width)
	if p.err != nil {
		top += failure(p.err, width) + "\n\n"
	}
	if len(s.logins.keys) == 0 {
		return s.fit(top, wrap("You have no SSH key yet. It takes the place of a password: one half stays on this computer, the other goes to the Pi. Press m to make one now.", width), height)
	}
	say := wrap("Keys that may log in. There is no password login, so mark at least one: press space.", width)
	var rows []string
	for i, k := range s.logins.keys {
		box := style.Mark(k.marked) + " "
		text, source := row(box+clean.Name(k.Type)+"  "+style.Title.Render(clean.Name(k.Comment)), i == p.cursor), style.Dim.Render(clean.Name(k.source(true)))
		if all := text + "  " + source; lipgloss.Width(all) <= width {
			text = all
		} else {
			text += "\n      " + source
		}
		rows = append(rows, text+"\n      "+style.Dim.Render(clean.Name(k.Fingerprint)))
	}
	room := height - lines(say) - 1 - spare(top)
	return s.fit(top, say+"\n\n"+strings.TrimRight(around(rows, p.cursor, room), "\n"), height)
}

func (p *keysPage) help(s *state) []key.Binding {
	h := []key.Binding{bind("↑↓", "choose"), bind("space", "mark"), bind("enter", "go on"), bind("esc", "back")}
	if p.read && len(s.logins.keys) == 0 {
		h = []key.Binding{bind("m", "make a key"), bind("esc", "back")}
	}
	return h
}
