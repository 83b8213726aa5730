package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/tui/style"
)

// cardPage lists the disks that may be written, follows what is plugged in,
// and lets the user type the name of the one that will be erased.
type cardPage struct {
	all     []disk.Device
	seen    bool
	listErr error
	cursor  string // path of the chosen disk: survives a changed list
	hidden  bool   // the hidden ones are shown, with their reasons
	asking  bool   // the name is being typed
	typed   string
	granted bool // the command was shown, enter runs it
	err     error
	round   int
}

type cardsSeen struct {
	round int
	cards []disk.Device
	err   error
}

type cardOpened struct {
	card Card
	err  error
}

func (p *cardPage) enter(s *state) tea.Cmd {
	p.asking, p.typed, p.granted, p.err = false, "", false, nil
	p.round++
	return p.look(s, 0)
}

// look lists the disks, each second anew, as long as the page is shown.
func (p *cardPage) look(s *state, after time.Duration) tea.Cmd {
	round, ctx, cards := p.round, s.ctx, s.engine.Cards
	return tea.Tick(after, func(time.Time) tea.Msg {
		all, err := cards(ctx)
		return cardsSeen{round, all, err}
	})
}

func (p *cardPage) offered() (offer, rest []disk.Device) {
	for _, d := range p.all {
		if d.Refusal() == "" {
			offer = append(offer, d)
		} else {
			rest = append(rest, d)
		}
	}
	return offer, rest
}

func (p *cardPage) chosen() (disk.Device, bool) {
	offer, _ := p.offered()
	for _, d := range offer {
		if d.Path == p.cursor {
			return d, true
		}
	}
	if len(offer) > 0 {
		return offer[0], true
	}
	return disk.Device{}, false
}

func (p *cardPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case cardsSeen:
		if msg.round != p.round {
			return stay, nil
		}
		p.seen, p.all, p.listErr = true, msg.cards, msg.err
		p.dropVanished(s)
		return stay, p.look(s, time.Second)
	case cardOpened:
		return p.opened(s, msg)
	case tea.KeyMsg:
		if p.asking {
			return p.confirm(s, msg)
		}
		return p.key(s, msg.String())
	}
	return stay, nil
}

// dropVanished ends a confirmation whose card was pulled or exchanged.
func (p *cardPage) dropVanished(s *state) {
	if !p.asking {
		return
	}
	for _, d := range p.all {
		if d.Path == s.card.Path {
			if why := s.card.Identity().Differs(d.Identity()); why != "" {
				p.asking, p.err = false, errors.New(why+" Please choose it again.")
			}
			return
		}
	}
	p.asking, p.err = false, fmt.Errorf("%s was taken out: put it back and choose it again", s.card.Path)
}

func (p *cardPage) key(s *state, k string) (move, tea.Cmd) {
	offer, _ := p.offered()
	at := 0
	if d, ok := p.chosen(); ok {
		for i := range offer {
			if offer[i].Path == d.Path {
				at = i
			}
		}
	}
	switch k {
	case "esc":
		p.round++
		return back, nil
	case "up", "k":
		at = max(at-1, 0)
	case "down", "j":
		at = min(at+1, len(offer)-1)
	case "h":
		p.hidden = !p.hidden
	case "enter":
		if d, ok := p.chosen(); ok {
			s.card, p.asking, p.typed, p.err, p.granted = d, true, "", nil, false
		}
		return stay, nil
	}
	if at >= 0 && at < len(offer) {
		p.cursor = offer[at].Path
	}
	return stay, nil
}

func (p *cardPage) confirm(s *state, msg tea.KeyMsg) (move, tea.Cmd) {
	switch {
	case msg.String() == "esc":
		p.asking, p.granted = false, false
	case msg.String() == "backspace" && p.typed != "":
		p.typed, p.granted = p.typed[:len(p.typed)-1], false
	case msg.String() == "enter" && p.typed == s.card.Name:
		return stay, p.open(s)
	case msg.Type == tea.KeyRunes && len(p.typed) < 32:
		p.typed += string(msg.Runes)
	}
	return stay, nil
}

func (p *cardPage) open(s *state) tea.Cmd {
	d := s.card
	if !p.granted {
		open := s.engine.Open
		return func() tea.Msg {
			card, err := open(d)
			return cardOpened{card, err}
		}
	}
	g := s.engine.GrantCard(d)
	return tea.Exec(g, func(err error) tea.Msg {
		if err != nil {
			return cardOpened{nil, err}
		}
		return cardOpened{g.Card(), nil}
	})
}

func (p *cardPage) opened(s *state, msg cardOpened) (move, tea.Cmd) {
	switch {
	case msg.err == nil:
		p.round++
		s.opened = msg.card
		return next, nil
	case errors.Is(msg.err, fs.ErrPermission) && !p.granted:
		p.granted = true
	default:
		p.asking, p.granted, p.err = false, false, msg.err
	}
	return stay, nil
}

func (p *cardPage) view(s *state, width, _ int) string {
	if !p.seen {
		return style.Dim.Render("Looking for cards …")
	}
	if p.asking {
		return p.question(s, width)
	}
	var b strings.Builder
	if p.err != nil {
		b.WriteString(failure(p.err, width) + "\n\n")
	}
	if p.listErr != nil {
		b.WriteString(failure(p.listErr, width) + "\n\n")
	}
	offer, rest := p.offered()
	if len(offer) == 0 {
		b.WriteString(wrap("Put an SD card into this computer, or plug in a card reader. It will show up here by itself.", width) + "\n")
	} else {
		b.WriteString("The card you choose will be erased.\n\n")
	}
	d, _ := p.chosen()
	for _, o := range offer {
		b.WriteString(row(style.Title.Render(o.Name)+"  "+nameOf(o), o.Path == d.Path) + "\n" +
			style.Dim.Render(wrap("    "+o.Contents(), width)) + "\n")
		for _, w := range o.Warnings() {
			b.WriteString(style.Warn.Render(wrap("    "+w, width)) + "\n")
		}
	}
	if p.hidden {
		b.WriteString("\nNot offered:\n")
		for _, o := range rest {
			b.WriteString(style.Dim.Render(wrap("  "+o.Name+"  "+nameOf(o)+": "+o.Refusal(), width)) + "\n")
		}
	} else if len(rest) > 0 {
		b.WriteString("\n" + style.Dim.Render(wrap(fmt.Sprintf("Disks of this computer that are not offered: %d. Press h to see why.", len(rest)), width)))
	}
	return b.String()
}

func nameOf(d disk.Device) string {
	return strings.Join(strings.Fields(disk.Human(d.Size)+" "+d.Vendor+" "+d.Model), " ")
}

func (p *cardPage) question(s *state, width int) string {
	d := s.card
	var b strings.Builder
	b.WriteString(style.Danger.Render(wrap("Everything on this card will be erased:", width)) + "\n\n")
	b.WriteString("  " + style.Title.Render(d.Path) + "  " + nameOf(d) + "\n")
	b.WriteString(style.Dim.Render(wrap("  "+d.Contents(), width)) + "\n\n")
	if p.granted {
		b.WriteString(wrap("Writing to a card needs administrator rights. piwiz itself stays an ordinary program; only this small step asks for your password:", width) +
			"\n\n" + style.Command.Render(wrap("  "+s.engine.GrantCard(d).Command(), width)) + "\n\nPress enter to run it, esc to stop here.")
		return b.String()
	}
	b.WriteString(wrap("Type its name, "+d.Name+", and press enter to start writing.", width) + "\n\n  " + style.Focus.Render("> ") + p.typed + style.Focus.Render("█"))
	return b.String()
}

func (p *cardPage) typing() bool { return p.asking }

func (p *cardPage) help(*state) []key.Binding {
	if p.asking {
		return []key.Binding{bind("enter", "start"), bind("esc", "choose another")}
	}
	return []key.Binding{bind("↑↓", "choose"), bind("enter", "use this card"), bind("h", "hidden disks"), bind("esc", "back")}
}
