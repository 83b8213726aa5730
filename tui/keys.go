package tui

import (
	"errors"
	"fmt"
	"slices"
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
	lacking  bool      // enter was pressed with nothing marked
	notes    bool      // they are shown, not the keys
	read     bool      // the answer to reading came
	making   bool      // or reading a file
	more     *moreKeys // what is open over the list
	cursor   int
}

type keysRead struct {
	keys     []sshkey.PublicKey
	problems []error
}

type keyMade struct {
	name string
	key  sshkey.PublicKey
	err  error
}

// enter asks each time: a key that was made meanwhile shows up.
func (p *keysPage) enter(s *state) tea.Cmd {
	*p = keysPage{}
	return p.findKeys(s)
}

func (p *keysPage) findKeys(s *state) tea.Cmd {
	ctx, find, host := s.ctx, s.engine.Keys, s.saved.Host
	return func() tea.Msg {
		k, problems := find(ctx, host)
		return keysRead{k, problems}
	}
}

func (p *keysPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case keysRead:
		p.read, p.problems = true, msg.problems
		s.logins.know(msg.keys)
	case keyMade:
		return stay, p.made(s, msg)
	case keysGot:
		p.got(s, msg)
	case tea.KeyMsg:
		if p.more != nil {
			return stay, p.fillIn(s, msg)
		}
		return p.key(s, msg.String())
	}
	return stay, nil
}

func (p *keysPage) key(s *state, k string) (move, tea.Cmd) {
	keys := s.logins.keys
	switch {
	case p.notes:
		p.notes = k != "esc" && k != "d" && k != "enter"
		return stay, nil
	case k == "esc":
		return back, nil
	case !p.read:
		return stay, nil
	}
	p.lacking = false
	switch k {
	case "d":
		p.notes = len(p.problems) > 0
	case "up", "k":
		p.cursor = max(p.cursor-1, 0)
	case "down", "j":
		p.cursor = max(min(p.cursor+1, len(keys)-1), 0)
	case " ", "x":
		if p.cursor < len(keys) {
			keys[p.cursor].marked = !keys[p.cursor].marked
		}
	case "m":
		return stay, p.makeKey(s, "id_ed25519")
	case "p":
		p.more = &moreKeys{}
	case "f":
		p.more = fileForm(&s.window, nil, "")
	case "enter":
		if lines := s.logins.lines(); len(lines) > 0 {
			s.saved.Host.Keys = lines
			return next, nil
		}
		p.lacking = true
	}
	return stay, nil
}

// makeKey makes a key, once at a time.
func (p *keysPage) makeKey(s *state, name string) tea.Cmd {
	if p.making {
		return nil
	}
	p.making = true
	makeKey := s.engine.MakeKey
	return func() tea.Msg {
		made, err := makeKey(name)
		return keyMade{name, made, err}
	}
}

// made takes a new key, and has ssh say whether it offers it. Where the name is
// in use it asks for another.
func (p *keysPage) made(s *state, msg keyMade) tea.Cmd {
	p.making, p.err = false, nil
	switch {
	case errors.Is(msg.err, sshkey.ErrExists):
		var again error
		if p.more != nil {
			again = msg.err
		}
		p.more = nameForm(&s.window, again, msg.name+"_pi")
		return nil
	case msg.err != nil:
		p.more, p.err = nil, msg.err
		return nil
	}
	p.more = nil
	s.logins.take(msg.key)
	return p.findKeys(s)
}

type keysGot struct {
	keys []sshkey.PublicKey
	err  error
}

// fillIn gives a key to what is open.
func (p *keysPage) fillIn(s *state, msg tea.KeyMsg) tea.Cmd {
	m := p.more
	switch {
	case msg.String() == "esc":
		p.more = nil
	case p.making || m.refused != nil:
	case m.form == nil:
		if m.paste(&s.logins, msg) {
			p.more = nil
		}
	default:
		m.form.Update(msg)
		if !m.form.Done() {
			return nil
		}
		if m.making {
			return p.makeKey(s, m.value)
		}
		p.making = true
		read, path := s.engine.ReadKey, m.value
		return func() tea.Msg {
			keys, err := read(path)
			return keysGot{keys, err}
		}
	}
	return nil
}

// got takes the keys of a file.
func (p *keysPage) got(s *state, msg keysGot) {
	p.making = false
	if msg.err != nil {
		if p.more != nil {
			p.more = fileForm(&s.window, msg.err, p.more.value)
		}
		return
	}
	p.more = nil
	for _, k := range msg.keys {
		s.logins.take(k)
	}
}

func (p *keysPage) view(s *state, width, height int) string {
	if !p.read {
		return style.Dim.Render("Looking for your SSH keys …")
	}
	if p.notes {
		return s.fit(failures(p.problems, width), "", height)
	}
	if p.more != nil {
		return p.more.view(&s.window, width, height)
	}
	top := folded(p.problems, width)
	if p.err != nil {
		top += failure(p.err, width) + "\n\n"
	}
	if len(s.logins.keys) == 0 {
		return s.fit(top, wrap("You have no SSH key yet. It takes the place of a password: one half stays on this computer, the other goes to the Pi. Press m to make one now, or p to paste one of another computer.", width), height)
	}
	say := wrap("Keys that may log in. There is no password login, so mark at least one: space. Another one: p to paste it, f from a file, m to make it.", width)
	if p.lacking {
		say = style.Danger.Render(wrap("No key is marked, so nobody could log in. Press space to mark one.", width))
	}
	var rows []string
	for i, k := range s.logins.keys {
		box := style.Mark(k.marked) + " "
		text, source := row(box+clean.Name(k.Type)+"  "+style.Title.Render(clean.Name(k.Comment)), i == p.cursor), style.Dim.Render(clean.Name(k.source(true)))
		if all := text + "  " + source; lipgloss.Width(all) <= width {
			text = all
		} else {
			text += "\n      " + source
		}
		rows = append(rows, text+"\n      "+style.Dim.Render(clean.Name(k.Fingerprint))+remarks(k, width-6))
	}
	room := height - lines(say) - 1 - spare(top)
	return s.fit(top, say+"\n\n"+strings.TrimRight(around(rows, p.cursor, room), "\n"), height)
}

// remarks are what is to be known of a key before it is marked: what its line
// allows, and why ssh does not log in with it by itself.
func remarks(k login, width int) string {
	var text string
	if len(k.Options) > 0 {
		text = "Its options: " + strings.Join(k.Options, ", ")
	}
	if k.here && k.Why != "" {
		text += "\nNote: " + k.Why
	}
	if text = strings.Trim(text, "\n"); text == "" {
		return ""
	}
	return "\n" + lipgloss.NewStyle().PaddingLeft(6).Render(style.Warn.Render(wrap(text, width)))
}

// folded is a line about problems that stop nothing, so that there is room for
// the keys.
func folded(problems []error, width int) string {
	if len(problems) < 2 {
		return notes(problems, width)
	}
	return style.Warn.Render(wrap(fmt.Sprintf("%d notes about your SSH files: press d to read them.", len(problems)), width)) + "\n"
}

func (p *keysPage) help(s *state) []key.Binding {
	if p.more != nil {
		return p.more.help()
	}
	if p.notes {
		return []key.Binding{bind("esc", "to the keys")}
	}
	h := []key.Binding{bind(style.UpDown, "choose"), bind("space", "mark"), bind("enter", "go on"), bind("p", "paste"), bind("f", "file"), bind("m", "make"), bind("esc", "back")}
	if p.read && len(s.logins.keys) == 0 {
		h = []key.Binding{bind("m", "make a key"), bind("p", "paste"), bind("f", "file"), bind("esc", "back")}
	}
	if len(p.problems) > 0 {
		h = slices.Insert(h, len(h)-1, bind("d", "notes"))
	}
	return h
}

func (p *keysPage) typing() bool { return p.more != nil }
