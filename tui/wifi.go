package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// wifiPage offers the networks that the host has saved and those this computer
// knows. Its files are root's: when they cannot be read the page asks once for
// the right to, and shows the command first. Typing a network in, or none at
// all, is always a choice.
type wifiPage struct {
	wifiList
	typed  *typedNetwork  // not nil while one is typed in
	asking *asking        // not nil while a secret is asked for
	doubts []nixgen.Doubt // about how networks are joined: y is a yes to all of them
}

func (p *wifiPage) enter(s *state) tea.Cmd {
	p.typed, p.lacking, p.form, p.asking, p.doubts = nil, "", nil, nil, nil
	if p.read {
		p.ask(s)
		return nil
	}
	ctx, e := s.ctx, s.engine
	return func() tea.Msg { return readNetworks(ctx, e) }
}

func (p *wifiPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case networksRead:
		p.took(s, msg)
		return stay, nil
	case secretGiven:
		return p.given(s, msg)
	case tea.KeyMsg:
		if m, cmd, done := p.key(s, msg.String()); done {
			return m, cmd
		}
		return p.fillIn(s, msg)
	}
	return stay, nil
}

// fillIn gives a key to the form that is shown.
func (p *wifiPage) fillIn(s *state, msg tea.KeyMsg) (move, tea.Cmd) {
	if p.typed != nil {
		p.takeTyped(s, p.typed.typeIn(&s.window, msg))
		return stay, nil
	}
	if p.form == nil {
		return stay, nil
	}
	p.form.Update(msg)
	if !p.form.Done() {
		return stay, nil
	}
	return p.keep(s)
}

func (p *wifiPage) key(s *state, k string) (move, tea.Cmd, bool) {
	switch {
	case p.asking != nil:
		if k == "esc" {
			p.stopAsking(s)
		}
		return stay, nil, true
	case p.doubts != nil:
		return p.decideWay(s, k), nil, true
	case k == "esc" && p.asked() != nil && p.asked().Filtering():
		return stay, nil, false // esc ends the filter of a list
	case k == "esc" && p.typed != nil && p.typed.doubt != "":
		p.typed.show(&s.window)
		return stay, nil, true
	case k == "esc" && p.typed != nil:
		p.typed = nil
		p.ask(s)
		return stay, nil, true
	case k == "esc":
		return back, nil, true
	case p.locked() && k == "enter":
		g := s.engine.GrantNetworks()
		return stay, exec(g, func(err error) tea.Msg {
			known, problems := g.Networks()
			return networksRead{known, problems, err, true, s.engine.Searched()}
		}), true
	case p.locked() && k == "n":
		p.refused = true
		p.ask(s)
		return stay, nil, true
	case k == "ctrl+r" && p.closed() && p.typed == nil:
		p.more = true
		return stay, nil, true
	case p.typed != nil && p.typed.doubt != "":
		p.takeTyped(s, p.typed.decide(&s.window, k))
		return stay, nil, true
	case k == "d" && p.onList(s):
		p.details = !p.details
		return stay, nil, true
	case k == "w" && p.onList(s):
		p.turn(s)
		return stay, nil, true
	case k == "ctrl+t" && p.typed == nil && p.form != nil && !p.locked():
		p.startTyping(s)
		return stay, nil, true
	}
	return stay, nil, p.locked()
}

// keep stores the marked networks, unless the card would lack a password.
func (p *wifiPage) keep(s *state) (move, tea.Cmd) {
	p.lacking = ""
	for _, o := range s.wifi.marked() {
		if o.lacks() {
			p.lacking = fmt.Sprintf("The password of %s is missing: press ctrl+t and type it in, or unmark it.", o.SSID)
			p.ask(s)
			return stay, nil
		}
	}
	for _, o := range s.wifi.marked() {
		if o.Secret.IsZero() && o.Security != wifi.Open {
			var cmd tea.Cmd
			p.asking, cmd = askSecret(s, o)
			return stay, cmd
		}
	}
	if p.lacking = s.wifi.unturned(); p.lacking != "" {
		p.ask(s)
		return stay, nil
	}
	s.country, _ = nixgen.CheckCountry(s.country)
	s.saved.Host.Country = s.country
	if p.doubts = p.unsure(s); len(p.doubts) > 0 {
		return stay, nil
	}
	s.wifi.keep(&s.saved)
	return next, nil
}

// startTyping opens the form for a network, with what was typed before.
func (p *wifiPage) startTyping(s *state) {
	if s.wifi.draft == nil {
		s.wifi.draft = s.wifi.lacking()
	}
	p.typed = s.wifi.draft
	p.typed.show(&s.window)
}

// takeTyped takes a network that is whole, and goes back to the list.
func (p *wifiPage) takeTyped(s *state, n *wifi.Network) {
	if n == nil {
		return
	}
	s.wifi.take(*n) // from here on only the derived key is kept
	s.wifi.draft, p.typed = nil, nil
	p.ask(s)
}

// onList tells that the keys are the list's, and none is text.
func (p *wifiPage) onList(s *state) bool { return p.typed == nil && p.focused(s) }

// unsure are the ways to join that need a yes on this board. The rest of what
// may be a mistake is asked before the build, of all the answers together.
func (p *wifiPage) unsure(s *state) []nixgen.Doubt {
	h := s.saved.Host
	h.Networks = s.wifi.networks()
	return slices.DeleteFunc(h.Doubts(), func(d nixgen.Doubt) bool { return !d.IsWPA3Only() })
}

// decideWay takes the answer to that.
func (p *wifiPage) decideWay(s *state, k string) move {
	switch k {
	case "y":
		var keys []string
		for _, d := range p.doubts {
			keys = append(keys, d.Key)
		}
		p.doubts = nil
		s.wifi.keep(&s.saved)
		s.saved.Host = s.saved.Host.Confirm(keys...)
		return next
	case "n", "enter", "esc":
		p.doubts = nil
		p.ask(s)
	}
	return stay
}

// stopAsking takes the question back.
func (p *wifiPage) stopAsking(s *state) {
	if p.asking != nil {
		p.asking.stop()
		p.asking = nil
		p.ask(s)
	}
}

// given takes the secret and goes on, or says why there is none. Administrator
// rights are offered once, where they can help.
func (p *wifiPage) given(s *state, msg secretGiven) (move, tea.Cmd) {
	if msg.of != p.asking {
		return stay, nil // it was taken back
	}
	p.asking.stop()
	o := p.asking.offer
	p.asking = nil
	if msg.err == nil {
		s.wifi.give(o, msg.network)
		return p.keep(s)
	}
	p.lacking = sentence(msg.err) + " To go on, press ctrl+t and type it in, or unmark it."
	if errors.Is(msg.err, fs.ErrPermission) && !p.refused {
		p.err, p.more, p.lacking = msg.err, true, ""
		return stay, nil
	}
	s.wifi.give(o, wifi.Network{SSID: o.SSID, Security: o.Security, Hidden: o.Hidden, Connected: o.Connected, From: o.From, Lacks: "its password was not given"})
	p.ask(s)
	return stay, nil
}

func (p *wifiPage) view(s *state, width, height int) string {
	switch {
	case !p.read:
		return style.Dim.Render("Looking for Wi-Fi networks this computer knows …")
	case p.asking != nil:
		return wrap("Asking "+p.asking.offer.From+" for the password of "+p.asking.offer.SSID+" …", width) + "\n\n" +
			wrap("Your desktop may ask for your own password first. Press esc to stop waiting.", width)
	case p.locked():
		return p.rightsView(s, width, height)
	case p.typed != nil:
		return p.typed.view(&s.window, width, height)
	case p.doubts != nil:
		return s.fit(drawDoubts(p.doubts, width), "\n"+wrap("Press enter to change it, or y to keep it like this.", width), height)
	}
	return p.listView(s, width, height)
}

func (p *wifiPage) typing() bool {
	return p.asking == nil && p.doubts == nil && p.asked() != nil && p.asked().Typing() && !p.locked() && (p.typed == nil || p.typed.doubt == "")
}

// asked is the form on the page now.
func (p *wifiPage) asked() *form.Form {
	if p.typed != nil {
		return p.typed.form
	}
	return p.form
}

func (p *wifiPage) help(s *state) []key.Binding {
	switch {
	case !p.read:
		return []key.Binding{bind("esc", "back")}
	case p.asking != nil:
		return []key.Binding{bind("esc", "stop waiting")}
	case p.locked():
		return []key.Binding{bind("enter", "ask for the right"), bind("n", "skip it"), bind("esc", "back")}
	case p.doubts != nil:
		return []key.Binding{bind("enter", "change it"), bind("y", "keep it"), bind("esc", "back")}
	case p.typed != nil && p.typed.doubt != "":
		return []key.Binding{bind("y", "keep it"), bind("n", "take it out"), bind("esc", "change")}
	case p.typed != nil:
		return []key.Binding{bind("enter", "go on"), bind("shift+tab", "field before"), bind("esc", "to the list")}
	}
	h := []key.Binding{bind("enter", "go on"), bind("ctrl+t", "type in"), bind("esc", "back")}
	if len(s.wifi.offers) > 0 {
		h = slices.Insert(h, 0, bind("space", "mark"))
	}
	if p.onList(s) && len(p.searched.Each)+len(p.problems) > 0 {
		h = slices.Insert(h, len(h)-1, bind("d", "details"))
	}
	if o := s.wifi.current(); o != nil && o.Security != wifi.Open && p.onList(s) {
		h = slices.Insert(h, len(h)-1, bind("w", "WPA2/3"))
	}
	return h
}
