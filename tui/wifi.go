package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
	"piwiz/tui/clean"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// wifiPage offers the networks that the host has saved and those this computer
// knows. Its files are root's: when they cannot be read the page asks once for
// the right to, and shows the command first. Typing a network in, or none at
// all, is always a choice.
type wifiPage struct {
	known    []wifi.Network
	problems []error
	err      error
	read     bool // the answer to reading came
	refused  bool // administrator rights were refused: not asked again
	form     *form.Form
	typed    *typedNetwork  // not nil while one is typed in
	lacking  string         // why the page was not left, or a network not turned
	looked   wifi.Places    // where networks were looked for
	details  bool           // of that, and of what was skipped, are shown
	asking   *asking        // not nil while a secret is asked for
	more     bool           // administrator rights are wanted although some networks are known
	doubts   []nixgen.Doubt // about how networks are joined: y is a yes to all of them
}

type networksRead struct {
	known    []wifi.Network
	problems []error
	err      error
	granted  bool
	looked   wifi.Places
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

func readNetworks(ctx context.Context, e Engine) tea.Msg {
	known, problems, err := e.Networks(ctx)
	return networksRead{known, problems, err, false, e.Looked()}
}

// locked tells that the page asks for administrator rights: when no network is
// known without them, or when the user wants to.
func (p *wifiPage) locked() bool {
	return p.closed() && (p.more || !slices.ContainsFunc(p.known, wifi.Network.Usable))
}

// closed tells that there may be more which only the administrator may read.
func (p *wifiPage) closed() bool { return errors.Is(p.err, fs.ErrPermission) && !p.refused }

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
		p.typeIn(s, msg)
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
		p.showTyped(s)
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
			return networksRead{known, problems, err, true, s.engine.Looked()}
		}), true
	case p.locked() && k == "n":
		p.refused = true
		p.ask(s)
		return stay, nil, true
	case k == "ctrl+r" && p.closed() && p.typed == nil:
		p.more = true
		return stay, nil, true
	case p.typed != nil && p.typed.doubt != "":
		p.decide(s, k)
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

func (p *wifiPage) took(s *state, msg networksRead) {
	if msg.granted && msg.err != nil && len(msg.known) == 0 {
		msg.known = p.known // what was known before the rights were asked for
	}
	p.read, p.problems, p.err, p.looked = true, msg.problems, msg.err, msg.looked
	p.known = msg.known
	if msg.granted && msg.err != nil {
		p.refused = true
	}
	if !p.locked() {
		p.ask(s)
	}
}

func (p *wifiPage) ask(s *state) {
	if p.err == nil || len(p.known) > 0 {
		s.wifi.know(p.known)
	}
	fields := []form.Field{form.Text("Country", "Two letters, for example DE. It decides which Wi-Fi channels are allowed.", &s.country, complaint(nixgen.CheckCountry))}
	if len(s.wifi.offers) > 0 {
		fields = append([]form.Field{form.Many("Which Wi-Fi networks? Mark none to use a cable.", &s.wifi.chosen, &s.wifi.at, s.wifi.options(s.origin, p.err == nil))}, fields...)
	}
	p.form = s.newForm(fields...)
	p.form.Init()
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
			return stay, p.askSecret(s, o)
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

func (p *wifiPage) view(s *state, width, height int) string {
	switch {
	case !p.read:
		return style.Dim.Render("Looking for Wi-Fi networks this computer knows …")
	case p.asking != nil:
		return wrap("Asking "+p.asking.offer.From+" for the password of "+p.asking.offer.SSID+" …", width) + "\n\n" +
			wrap("A window of your desktop may ask for your own password first. Press esc to stop asking.", width)
	case p.locked():
		why := "This computer keeps its Wi-Fi passwords in files that only the administrator may read. piwiz can ask for that right once, to copy the networks you choose. It runs:"
		if headline, hints := Explain(p.err); p.more && len(hints) > 0 { // a secret was withheld
			why = headline + ". " + why
		}
		if s.origin != "" && len(s.wifi.offers) > 0 {
			why = "What is saved with " + s.origin + " is kept. " + why
		}
		return s.fit(wrap(why, width)+"\n\n  "+style.Command.Render(clean.Line(s.engine.GrantNetworks().Command())),
			"\n"+wrap("Press enter to do so: your password may be asked for. Press n not to: then you can type a network in, or use a cable.", width), height)
	case p.typed != nil:
		return p.typed.view(s, width, height)
	case p.doubts != nil:
		return s.fit(drawDoubts(p.doubts, width), "\n"+wrap("Press enter to change it, or y if it is wanted like this.", width), height)
	}
	var b strings.Builder
	b.WriteString(p.warnings(s, width))
	b.WriteString(p.findings(s, width))
	if p.err != nil && !errors.Is(p.err, fs.ErrPermission) {
		headline, _ := Explain(p.err)
		b.WriteString(style.Warn.Render(wrap(headline, width)) + "\n")
	}
	hint := ""
	switch {
	case p.lacking != "":
		hint = style.Danger.Render(wrap(p.lacking, width)) + "\n\n"
	case len(s.wifi.offers) == 0:
		hint = wrap("No Wi-Fi network of this computer is known. Press ctrl+t to type one in, or go on and connect the Pi by cable.", width) + "\n\n"
	default:
		more := ""
		if p.closed() {
			more = "; ctrl+r reads the rest with administrator rights"
		}
		hint = style.Dim.Render(wrap("Space marks or unmarks; ctrl+t types another one in"+more+".", width)) + "\n" + p.about(s, width) + "\n"
	}
	return s.above(b.String(), hint, p.form, height)
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
		return []key.Binding{bind("esc", "stop asking")}
	case p.locked():
		return []key.Binding{bind("enter", "ask for the right"), bind("n", "do not"), bind("esc", "back")}
	case p.doubts != nil:
		return []key.Binding{bind("enter", "change it"), bind("y", "it is wanted"), bind("esc", "back")}
	case p.typed != nil && p.typed.doubt != "":
		return []key.Binding{bind("y", "keep it"), bind("n", "take it out"), bind("esc", "change")}
	case p.typed != nil:
		return []key.Binding{bind("enter", "go on"), bind("shift+tab", "field before"), bind("esc", "to the list")}
	}
	h := []key.Binding{bind("enter", "go on"), bind("ctrl+t", "type in"), bind("esc", "back")}
	if len(s.wifi.offers) > 0 {
		h = slices.Insert(h, 0, bind("space", "mark"))
	}
	if p.onList(s) && len(p.looked.Each)+len(p.problems) > 0 {
		h = slices.Insert(h, len(h)-1, bind("d", "details"))
	}
	if o := s.wifi.current(); o != nil && o.Security != wifi.Open && p.onList(s) {
		h = slices.Insert(h, len(h)-1, bind("w", "WPA2/3"))
	}
	return h
}
