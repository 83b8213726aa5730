package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// hostnamePage asks for the host's name and the user's. It says so when that
// name is in use: on the network, or by a host that was saved earlier.
type hostnamePage struct {
	form   *form.Form
	name   string
	user   string
	asking bool
	taken  []string // addresses that answer as the name that was asked for
	old    *hostfile.Saved
}

type nameAnswered struct {
	name  string
	addrs []string
}

func (p *hostnamePage) enter(s *state) tea.Cmd {
	p.name, p.user, p.asking, p.taken, p.old = s.saved.Host.Name, s.saved.Host.User, false, nil, nil
	return p.ask(s)
}

func (p *hostnamePage) ask(s *state) tea.Cmd {
	p.form = newForm(s, 0,
		form.Text("Name of the Raspberry Pi", "You will reach it as NAME.local, for example bach.", &p.name, complaint(nixgen.CheckName)),
		form.Text("Your user name on it", "You will log in as this user, with your SSH key.", &p.user, complaint(nixgen.CheckUser)))
	p.form.Init()
	return nil
}

// complaint turns a rule about an answer into a check of a text field.
func complaint(rule func(string) (string, string)) func(string) string {
	return func(v string) string {
		_, c := rule(v)
		return c
	}
}

func (p *hostnamePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		resize(p.form, s, 0)
		return stay, nil
	case nameAnswered:
		return p.answered(s, msg)
	case tea.KeyMsg:
		switch {
		case msg.String() == "esc" && p.inUse():
			return stay, p.enter(s)
		case msg.String() == "esc":
			return back, nil
		case p.inUse():
			return p.goOn(s, msg.String()), nil
		case p.asking:
			return stay, nil
		}
	}
	p.form.Update(msg)
	if !p.form.Done() || p.asking || p.inUse() {
		return stay, nil
	}
	p.asking = true
	name, _ := nixgen.CheckName(p.name)
	user, _ := nixgen.CheckUser(p.user)
	p.keep(s, name, user)
	ctx, answers := s.ctx, s.engine.Answers
	return stay, func() tea.Msg { return nameAnswered{name, answers(ctx, name)} }
}

// keep stores the answers; another name is another host, with keys of its own.
func (p *hostnamePage) keep(s *state, name, user string) {
	if s.saved.Host.Name != name {
		s.saved.Identity, s.saved.Host.HostKey = sshkey.Identity{}, ""
	}
	s.saved.Host.Name, s.saved.Host.User = name, user
}

func (p *hostnamePage) answered(s *state, msg nameAnswered) (move, tea.Cmd) {
	if !p.asking || msg.name != s.saved.Host.Name {
		return stay, nil
	}
	p.asking = false
	p.taken, p.old = msg.addrs, savedBefore(s)
	if p.inUse() {
		return stay, nil
	}
	return next, nil
}

func (p *hostnamePage) inUse() bool { return len(p.taken) > 0 || p.old != nil }

// goOn takes the name in spite of its use. A host that was saved under it
// keeps its host key: a computer that has logged in to it knows that key.
func (p *hostnamePage) goOn(s *state, k string) move {
	if k != "enter" {
		return stay
	}
	if p.old != nil {
		s.saved.Identity, s.saved.Host.HostKey = p.old.Identity, p.old.Host.HostKey
	}
	return next
}

// savedBefore is the saved host of this name, unless it is the one that is
// being asked about.
func savedBefore(s *state) *hostfile.Saved {
	saved, _, _ := s.engine.Hosts() // a list that cannot be read was told on the first page
	for _, h := range saved {
		if h.Host.Name == s.saved.Host.Name && (s.saved.Identity.IsZero() || h.Identity.Fingerprint() != s.saved.Identity.Fingerprint()) {
			return &h
		}
	}
	return nil
}

func (p *hostnamePage) view(s *state, width, _ int) string {
	name := s.saved.Host.Name
	switch {
	case p.asking:
		return style.Dim.Render("Asking the network whether " + name + ".local is free …")
	case p.old != nil:
		return style.Warn.Render(wrap("You have already saved a host called "+name+".", width)) + "\n\n" +
			wrap("Press enter to give it new answers: it keeps its host key, and its configuration.nix stays as it is. For the same host on a new card, choose \"Replace the dead card\" on the first page. Press esc to choose another name.", width)
	case p.taken != nil:
		return style.Warn.Render(wrap(name+".local already answers on your network, at "+strings.Join(p.taken, ", ")+".", width)) + "\n\n" +
			wrap("Two machines with one name get in each other's way: the second becomes "+name+"-2.local. If this is the Pi you are replacing, switch it off and press enter. Else press esc and choose another name.", width)
	}
	return p.form.View()
}

func (p *hostnamePage) typing() bool { return !p.inUse() }

func (p *hostnamePage) help(*state) []key.Binding {
	return []key.Binding{bind("enter", "go on"), bind("esc", "back")}
}
