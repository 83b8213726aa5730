package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/viewport"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// cardPage lists the disks that may be written, follows what is plugged in,
// and lets the user type the name of the one that will be erased.
type cardPage struct {
	all     []disk.Device
	seen    bool
	listErr error
	cursor  string          // path of the chosen disk: survives a changed list
	hidden  *viewport.Model // the others, with their reasons; nil while they are not shown
	asking  *confirmation   // nil while choosing
	err     error
	changed <-chan struct{}
	end     context.CancelFunc // of the watch behind changed
}

type cardsSeen struct {
	cards []disk.Device
	err   error
}

func (p *cardPage) enter(s *state) tea.Cmd {
	p.hidden, p.asking, p.err = nil, nil, nil
	ctx, end := context.WithCancel(s.ctx)
	p.changed, p.end = s.engine.CardsChanged(ctx), end
	return p.list(s)
}

// busy is empty: nothing is lost by leaving. stop ends the watch.
func (p *cardPage) busy() string { return "" }

func (p *cardPage) stop() {
	if p.end != nil {
		p.end()
	}
	p.stopOpening()
}

// stopOpening takes the question for the password back, if one is asked.
func (p *cardPage) stopOpening() {
	if p.asking != nil && p.asking.cancel != nil {
		p.asking.cancel()
	}
}

// list lists the disks.
func (p *cardPage) list(s *state) tea.Cmd {
	ctx, cards := s.ctx, s.engine.Cards
	return func() tea.Msg {
		all, err := cards(ctx)
		return cardsSeen{all, err}
	}
}

// follow lists them again when something was plugged in or out, as long as
// the page is shown.
func (p *cardPage) follow(s *state) tea.Cmd {
	changed, list := p.changed, p.list(s)
	return func() tea.Msg {
		if _, ok := <-changed; !ok {
			return nil
		}
		return list()
	}
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
		p.seen, p.all, p.listErr = true, msg.cards, msg.err
		if d, ok := p.chosen(); ok {
			p.cursor = d.Path // stays where it is when another card comes
		}
		p.fillHidden(s)
		p.dropVanished(s)
		return stay, p.follow(s)
	case newestFile:
		if p.asking != nil && p.asking.device.Path == msg.path {
			p.asking.newest = msg.at
		}
	case cardOpened:
		return p.opened(s, msg)
	case tea.WindowSizeMsg:
		p.fillHidden(s)
	case tea.KeyMsg:
		switch {
		case p.hidden != nil && slices.Contains([]string{"h", "esc", "enter"}, msg.String()):
			p.hidden = nil
			return stay, nil
		case p.hidden != nil:
			*p.hidden, _ = p.hidden.Update(msg)
			return stay, nil
		case p.asking == nil:
			return p.key(s, msg.String())
		case msg.String() == "esc" && !p.asking.opening:
			p.asking = nil
			return stay, nil
		case msg.String() == "esc":
			p.stopOpening() // the answer to that follows
			return stay, nil
		}
		return stay, p.asking.key(s, msg)
	}
	return stay, nil
}

// dropVanished ends a confirmation whose card was pulled or exchanged.
func (p *cardPage) dropVanished(s *state) {
	if p.asking == nil || p.asking.opening { // opening looks for itself
		return
	}
	for _, d := range p.all {
		if d.Path == s.card.Path {
			if why := s.card.Identity().Differs(d.Identity()); why != "" {
				p.asking, p.err = nil, errors.New(why+" Choose it again.")
			}
			return
		}
	}
	p.asking, p.err = nil, fmt.Errorf("%s was taken out: put it back and choose it again", s.card.Path)
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
		return back, nil
	case "up", "k":
		at = max(at-1, 0)
	case "down", "j":
		at = min(at+1, len(offer)-1)
	case "h":
		if len(offer) == len(p.all) {
			return stay, nil
		}
		p.hidden = new(viewport.New(0, 0))
		p.fillHidden(s)
	case "enter":
		if d, ok := p.chosen(); ok {
			s.card, p.asking, p.err = d, confirmCard(d), nil
			return stay, p.asking.inspect(s)
		}
		return stay, nil
	}
	if at >= 0 && at < len(offer) {
		p.cursor = offer[at].Path
	}
	return stay, nil
}

func (p *cardPage) opened(s *state, msg cardOpened) (move, tea.Cmd) {
	switch {
	case msg.err == nil:
		s.opened = msg.card
		return next, nil
	case errors.Is(msg.err, context.Canceled):
		p.asking = nil
	case !p.asking.askRights(msg.err):
		p.asking, p.err = nil, msg.err
	}
	return stay, nil
}

// fillHidden writes down why the other disks are not offered.
func (p *cardPage) fillHidden(s *state) {
	if p.hidden == nil {
		return
	}
	_, rest := p.offered()
	var b strings.Builder
	for _, d := range rest {
		text := d.Refusal()
		if named, _ := d.Named(); d.Bus == bus.NVMe && named.Refusal() == "" {
			text += " If it is an SD Express card, leave and start: piwiz --any-disk " + d.Path
		}
		b.WriteString(style.Title.Render(clean.Name(d.Name)) + "  " + diskLabel(d) + "\n" + wrap(text, max(s.width-4, 1)) + "\n\n")
	}
	p.hidden.Width, p.hidden.Height = max(s.width-4, 1), max(s.height-7, 1)
	p.hidden.SetContent(strings.TrimRight(b.String(), "\n"))
}

func (p *cardPage) view(s *state, width, height int) string {
	if !p.seen {
		return style.Dim.Render("Looking for cards …")
	}
	if p.asking != nil {
		return p.asking.view(s, width, height)
	}
	if p.hidden != nil {
		return "Disks that piwiz does not offer:\n\n" + p.hidden.View()
	}
	var top strings.Builder
	for _, err := range []error{p.err, p.listErr} {
		if err != nil {
			top.WriteString(failure(err, width) + "\n\n")
		}
	}
	offer, rest := p.offered()
	say, hint := "The card you choose will be erased.\n\n", ""
	if len(offer) == 0 {
		say = wrap("Put an SD card into this computer, or plug in a card reader. It will show up here by itself.", width) + "\n"
	}
	if len(rest) > 0 {
		hint = "\n" + style.Dim.Render(wrap(fmt.Sprintf("Disks of this computer that are not offered: %d. Press h to see why.", len(rest)), width))
	}
	d, _ := p.chosen()
	var rows []string
	at := 0
	for i, o := range offer {
		if o.Path == d.Path {
			at = i
		}
		var text strings.Builder
		text.WriteString(row(style.Title.Render(clean.Name(o.Name))+"  "+diskLabel(o), o.Path == d.Path) + "\n" + style.Dim.Render(wrap("    "+o.Contents(), width)))
		for _, w := range o.Warnings() {
			text.WriteString("\n" + style.Warn.Render(wrap("    "+w, width)))
		}
		rows = append(rows, text.String())
	}
	if len(rows) > 0 {
		say += around(rows, at, height-lines(say+hint)-spare(top.String()))
	}
	return s.fit(top.String(), say+hint, height)
}

func (p *cardPage) typing() bool { return p.asking != nil }

func (p *cardPage) help(*state) []key.Binding {
	if p.asking != nil {
		return []key.Binding{bind("enter", "start"), bind("esc", "choose another")}
	}
	if p.hidden != nil {
		return []key.Binding{bind(style.UpDown, "scroll"), bind("esc", "back to the cards")}
	}
	offer, rest := p.offered()
	var h []key.Binding
	if len(offer) > 0 {
		h = append(h, bind(style.UpDown, "choose"), bind("enter", "use this card"))
	}
	if len(rest) > 0 {
		h = append(h, bind("h", "hidden disks"))
	}
	return append(h, bind("esc", "back"))
}

func (p *cardPage) failed() error { return errors.Join(p.err, p.listErr) }
