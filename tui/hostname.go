package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// hostnamePage asks for the host's name and the user's. It says so when that
// name is in use: on the network, or by a host that was saved earlier.
type hostnamePage struct {
	form   *form.Form
	name   string // that is asked about
	asking bool
	taken  []string // addresses that answer as that name
	old    *hostfile.Saved
}

type nameAnswered struct{ addrs []string }

func (p *hostnamePage) enter(s *state) tea.Cmd {
	p.asking, p.taken, p.old = false, nil, nil
	computer := s.engine.Computer()
	for _, h := range savedHosts(s) {
		if name, _ := nixgen.CheckName(computer); h.Host.Name == name {
			computer = "" // it is this Pi, and may be set up again
		}
	}
	newName := func(v string) (string, string) { return nixgen.CheckNewName(v, computer) }
	p.form = s.newForm(
		form.Text("Name of the Raspberry Pi", "You will reach it as NAME.local, for example bach.", &s.name, complaint(newName)),
		form.Text("Your user name on it", "You will log in as this user, with your SSH key.", &s.user, complaint(nixgen.CheckUser)))
	p.form.Init()
	return nil
}

func (p *hostnamePage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case nameAnswered:
		return p.answered(s, msg), nil
	case tea.KeyMsg:
		switch {
		case msg.String() == "esc" && p.inUse():
			return stay, p.enter(s)
		case msg.String() == "esc":
			return back, nil
		case p.inUse() && msg.String() == p.yes():
			return p.goOn(s), nil
		case p.inUse() || p.asking:
			return stay, nil
		}
		return stay, p.fillIn(s, msg)
	}
	return stay, nil
}

// fillIn gives a key to the form, and asks about the name when it is filled in.
func (p *hostnamePage) fillIn(s *state, k tea.KeyMsg) tea.Cmd {
	p.form.Update(k)
	if !p.form.Done() {
		return nil
	}
	p.asking = true
	p.name, _ = nixgen.CheckName(s.name)
	ctx, name, answers := s.ctx, p.name, s.engine.Answers
	return func() tea.Msg { return nameAnswered{answers(ctx, name)} }
}

func (p *hostnamePage) answered(s *state, msg nameAnswered) move {
	p.asking = false
	p.taken, p.old = msg.addrs, p.savedBefore(s)
	if p.inUse() {
		return stay
	}
	return p.goOn(s)
}

// yes is the key that takes the name in spite of its use. That of a machine which
// answers now is not taken by a stray enter.
func (p *hostnamePage) yes() string {
	if p.old == nil {
		return "y"
	}
	return "enter"
}

func (p *hostnamePage) inUse() bool { return len(p.taken) > 0 || p.old != nil }

// goOn keeps the answers, the name in spite of its use. A host that was saved
// under it keeps its host key: a computer that has logged in to it knows that
// key.
func (p *hostnamePage) goOn(s *state) move {
	s.rename(p.name)
	if p.old != nil {
		s.saved.Identity, s.saved.Host.HostKey = p.old.Identity, p.old.Host.HostKey
	}
	s.saved.Host.User, _ = nixgen.CheckUser(s.user)
	s.name, s.user = s.saved.Host.Name, s.saved.Host.User
	return next
}

// savedBefore is the saved host of this name, unless it is the one that is
// being asked about.
func (p *hostnamePage) savedBefore(s *state) *hostfile.Saved {
	if p.name == s.origin {
		return nil // also where its key is lost
	}
	mine := s.identityAs(p.name)
	for _, h := range savedHosts(s) {
		if h.Host.Name == p.name && (mine.IsZero() || h.Identity.Fingerprint() != mine.Fingerprint()) {
			return &h
		}
	}
	return nil
}

// savedHosts are those that can be read; why others cannot was told on the
// first page.
func savedHosts(s *state) []hostfile.Saved {
	saved, _, _ := s.engine.Hosts()
	return saved
}

func (p *hostnamePage) view(s *state, width, height int) string {
	name := p.name
	switch {
	case p.asking:
		return style.Dim.Render(wrap("Asking the network whether "+name+".local is free …", width))
	case p.old != nil:
		return s.fit(style.Warn.Render(wrap("You have already saved a host called "+name+".", width)), "\n"+
			wrap("Press enter to give it new answers: it keeps its host key, and its configuration.nix stays as it is. For the same host on a new card, choose \"Replace the dead card\" on the first page. Press esc to choose another name.", width), height)
	case p.taken != nil:
		return s.fit(style.Warn.Render(wrap(name+".local already answers on your network, at "+strings.Join(p.taken, ", ")+".", width)), "\n"+
			wrap("Two machines with the same name get in each other's way: the second becomes "+name+"-2.local. If this is the Pi you are replacing, switch it off and press y. Else press esc and choose another name.", width), height)
	}
	return s.above("", "", p.form, height)
}

func (p *hostnamePage) typing() bool { return !p.inUse() && !p.asking }

func (p *hostnamePage) help(*state) []key.Binding {
	if p.inUse() {
		return []key.Binding{bind(p.yes(), "use it anyway"), bind("esc", "another name")}
	}
	return []key.Binding{bind("enter", "go on"), bind("esc", "back")}
}
