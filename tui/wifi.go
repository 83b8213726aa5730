package tui

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// wifiPage offers the networks this computer knows. Its files are root's: when
// they cannot be read the page asks once for the right to, and shows the
// command first. Typing a network in, or none at all, is always a choice.
type wifiPage struct {
	known    []wifi.Network
	problems []error
	err      error
	read     bool // the answer to reading came
	refused  bool // administrator rights were refused: not asked again
	form     *form.Form
	chosen   []string
	country  string
	typed    *typedNetwork // not nil while one is typed in
}

// typedNetwork is the small form for a network that is not known here.
type typedNetwork struct {
	form                 *form.Form
	ssid, secret, safety string
	hidden               string
	err                  error
}

type networksRead struct {
	known    []wifi.Network
	problems []error
	err      error
	granted  bool
}

func (p *wifiPage) enter(s *state) tea.Cmd {
	if p.read && p.form != nil {
		return p.ask(s)
	}
	ctx, networks := s.ctx, s.engine.Networks
	return func() tea.Msg { return readNetworks(ctx, networks) }
}

func readNetworks(ctx context.Context, read func(context.Context) ([]wifi.Network, []error, error)) tea.Msg {
	known, problems, err := read(ctx)
	return networksRead{known, problems, err, false}
}

func (p *wifiPage) locked() bool { return errors.Is(p.err, fs.ErrPermission) && !p.refused }

func (p *wifiPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		resize(p.asked(), s, 4)
		return stay, nil
	case networksRead:
		return stay, p.took(s, msg)
	case tea.KeyMsg:
		if m, cmd, done := p.key(s, msg.String()); done {
			return m, cmd
		}
	}
	if p.typed != nil {
		return stay, p.typeIn(s, msg)
	}
	if p.form == nil {
		return stay, nil
	}
	p.form.Update(msg)
	if !p.form.Done() {
		return stay, nil
	}
	p.keep(s)
	return next, nil
}

func (p *wifiPage) key(s *state, k string) (move, tea.Cmd, bool) {
	switch {
	case k == "esc" && p.asked() != nil && p.asked().Filtering():
		return stay, nil, false // esc ends the filter of a list
	case k == "esc" && p.typed != nil:
		p.typed = nil
		return stay, p.ask(s), true
	case k == "esc":
		return back, nil, true
	case p.locked() && k == "enter":
		g := s.engine.GrantNetworks()
		return stay, exec(g, func(err error) tea.Msg {
			known, problems := g.Networks()
			return networksRead{known, problems, err, true}
		}), true
	case p.locked() && k == "n":
		p.refused = true
		return stay, p.ask(s), true
	case k == "ctrl+t" && p.typed == nil && !p.locked():
		return stay, p.startTyping(s), true
	}
	return stay, nil, p.locked()
}

func (p *wifiPage) took(s *state, msg networksRead) tea.Cmd {
	p.read, p.problems, p.err = true, msg.problems, msg.err
	if msg.granted && msg.err != nil {
		p.refused = true
	}
	if p.locked() {
		return nil
	}
	p.known = append(msg.known, p.known...)
	if len(s.saved.Host.Networks) == 0 && len(p.known) > 0 && p.known[0].Connected {
		p.chosen = []string{p.known[0].SSID}
	}
	return p.ask(s)
}

func (p *wifiPage) ask(s *state) tea.Cmd {
	p.country = s.saved.Host.Country
	for _, n := range s.saved.Host.Networks {
		if !slices.Contains(p.chosen, n.SSID) {
			p.chosen = append(p.chosen, n.SSID)
		}
	}
	fields := []form.Field{form.Text("Country", "Two letters, for example DE. It decides which Wi-Fi channels are allowed.", &p.country, complaint(nixgen.CheckCountry))}
	if len(p.known) > 0 {
		fields = append([]form.Field{form.Many("Which Wi-Fi networks? Mark none to use a cable.", &p.chosen, p.options())}, fields...)
	}
	p.form = newForm(s, 4, fields...)
	p.form.Init()
	return nil
}

func (p *wifiPage) options() []form.Option {
	var options []form.Option
	for _, n := range p.known {
		note := string(n.Security)
		if n.Connected {
			note += ", this computer is on it now"
		}
		options = append(options, form.Option{Label: n.SSID, Value: n.SSID, Note: note})
	}
	return options
}

func (p *wifiPage) startTyping(s *state) tea.Cmd {
	t := &typedNetwork{safety: string(wifi.WPA2), hidden: "no"}
	p.typed = t
	return p.showTyped(s)
}

func (p *wifiPage) showTyped(s *state) tea.Cmd {
	t := p.typed
	t.form = newForm(s, 4,
		form.Text("Name of the network", "Exactly as your phone shows it.", &t.ssid, func(v string) string {
			if v == "" || len(v) > 32 {
				return "A network name has 1 to 32 bytes."
			}
			return ""
		}),
		form.Choice("How is it protected?", &t.safety, []form.Option{
			{Label: "WPA2", Value: string(wifi.WPA2), Note: "nearly every home network"},
			{Label: "WPA3 only", Value: string(wifi.WPA3), Note: "only if you know it is"},
			{Label: "Not at all", Value: string(wifi.Open), Note: "an open network"},
		}),
		form.Password("Its password", "Leave it empty for an open network.", &t.secret, nil),
		form.Choice("Does it hide its name?", &t.hidden, []form.Option{{Label: "No", Value: "no"}, {Label: "Yes", Value: "yes"}}))
	t.form.Init()
	return nil
}

func (p *wifiPage) typeIn(s *state, msg tea.Msg) tea.Cmd {
	t := p.typed
	t.form.Update(msg)
	if !t.form.Done() {
		return nil
	}
	n, err := wifi.Typed(t.ssid, t.secret, wifi.Security(t.safety), t.hidden == "yes")
	if err != nil {
		t.err = err
		return p.showTyped(s)
	}
	t.secret = "" // from here on only the derived key is kept
	p.known = append([]wifi.Network{n}, slices.DeleteFunc(p.known, func(k wifi.Network) bool { return k.SSID == n.SSID })...)
	p.chosen = append(p.chosen, n.SSID)
	p.typed = nil
	return p.ask(s)
}

// keep stores the chosen networks in the order shown, and their secrets.
func (p *wifiPage) keep(s *state) {
	s.saved.Host.Country, _ = nixgen.CheckCountry(p.country)
	s.saved.Host.Networks = nil
	psk := map[string]wifi.Secret{}
	for _, n := range p.known {
		if slices.Contains(p.chosen, n.SSID) {
			s.saved.Host.Networks = append(s.saved.Host.Networks, nixgen.Network{SSID: n.SSID, Security: n.Security, Hidden: n.Hidden})
			if !n.Secret.IsZero() {
				psk[n.SSID] = n.Secret
			}
		}
	}
	s.saved.PSK = psk
}

func (p *wifiPage) view(s *state, width, _ int) string {
	switch {
	case !p.read:
		return style.Dim.Render("Looking for Wi-Fi networks this computer knows …")
	case p.locked():
		return wrap("This computer keeps its Wi-Fi passwords in files that only the administrator may read. piwiz can ask for that right once, to copy the networks you choose. It runs:", width) +
			"\n\n  " + style.Command.Render(s.engine.GrantNetworks().Command()) + "\n\n" +
			wrap("Press enter to do so: your password may be asked for. Press n not to: then you can type a network in, or use a cable.", width)
	case p.typed != nil:
		view := p.typed.form.View()
		if p.typed.err != nil {
			view = failure(p.typed.err, width) + "\n\n" + view
		}
		return view
	}
	var b strings.Builder
	b.WriteString(notes(p.problems, width))
	if p.err != nil {
		headline, _ := Explain(p.err)
		b.WriteString(style.Warn.Render(wrap(headline, width)) + "\n")
	}
	if len(p.known) == 0 {
		b.WriteString(wrap("No Wi-Fi network of this computer is known. Press ctrl+t to type one in, or go on and connect the Pi by cable.", width) + "\n\n")
	}
	return b.String() + p.form.View()
}

func (p *wifiPage) typing() bool { return p.asked() != nil && p.asked().Typing() }

// asked is the form on the page now.
func (p *wifiPage) asked() *form.Form {
	if p.typed != nil {
		return p.typed.form
	}
	return p.form
}

func (p *wifiPage) help(*state) []key.Binding {
	if p.locked() {
		return []key.Binding{bind("enter", "ask for the right"), bind("n", "do not"), bind("esc", "back")}
	}
	if p.typed != nil {
		return []key.Binding{bind("enter", "go on"), bind("shift+tab", "field before"), bind("esc", "back to the list")}
	}
	return []key.Binding{bind("space", "mark"), bind("enter", "go on"), bind("ctrl+t", "type in"), bind("esc", "back")}
}
