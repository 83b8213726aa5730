package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/wifi"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// typedNetwork is the small form for a network that is not known here. Left
// by esc it is as it was when it is opened again.
type typedNetwork struct {
	form                 *form.Form
	ssid, secret, safety string
	hidden               string
	err                  error
	settled              int    // how many of its texts are as they should be
	doubt                string // the question that waits for y or n, "" when none does
}

// texts are what may have been pasted with something at its edge.
func (t *typedNetwork) texts() [2]*string { return [2]*string{&t.ssid, &t.secret} }

func (p *wifiPage) startTyping(s *state) {
	if s.wifi.draft == nil {
		s.wifi.draft = s.wifi.lacking()
	}
	p.typed = s.wifi.draft
	p.showTyped(s)
}

// lacking is an empty draft, or one for the marked network whose password is
// missing.
func (a *wifiAnswers) lacking() *typedNetwork {
	t := &typedNetwork{safety: string(wifi.WPA2), hidden: "no"}
	for _, o := range a.marked() {
		if !o.lacks() {
			continue
		}
		t.ssid, t.safety = o.SSID, string(o.Security)
		if o.Hidden {
			t.hidden = "yes"
		}
		break
	}
	return t
}

func (p *wifiPage) showTyped(s *state) {
	t := p.typed
	t.doubt, t.settled = "", 0
	t.form = s.newForm(
		form.Text("Name of the network", "Exactly as your phone shows it.", &t.ssid, func(v string) string {
			if err := wifi.CheckSSID(v); err != nil {
				return sentence(err)
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
}

func (p *wifiPage) typeIn(s *state, msg tea.Msg) {
	if t := p.typed; t.doubt == "" {
		t.form.Update(msg)
		if t.form.Done() {
			p.settle(s)
		}
	}
}

// settle asks about what cannot be seen in a text, one after the other, and
// then takes the network.
func (p *wifiPage) settle(s *state) {
	t := p.typed
	for ; t.settled < len(t.texts()); t.settled++ {
		what, _ := wifi.Odd(*t.texts()[t.settled])
		if what != "" {
			t.doubt = [...]string{"The name of the network ", "The password "}[t.settled] + what + ". Keep it?"
			return
		}
	}
	n, err := wifi.Typed(t.ssid, t.secret, wifi.Security(t.safety), t.hidden == "yes")
	if t.err = err; err != nil {
		p.showTyped(s)
		return
	}
	s.wifi.take(n) // from here on only the derived key is kept
	s.wifi.draft, p.typed = nil, nil
	p.ask(s)
}

// decide takes the answer to a doubt.
func (p *wifiPage) decide(s *state, k string) {
	t := p.typed
	text := t.texts()[t.settled]
	switch k {
	case "y":
	case "n", "enter":
		_, *text = wifi.Odd(*text)
	default:
		return
	}
	t.doubt = ""
	t.settled++
	p.settle(s)
}

func (t *typedNetwork) view(s *state, width, height int) string {
	if t.doubt != "" {
		return style.Warn.Render(wrap(t.doubt, width)) + "\n\n" +
			wrap("It cannot be seen, and often slips in when a text is copied. Press y to keep it exactly as it is, n or enter to take it out, esc to go back to the form.", width)
	}
	top := ""
	if t.err != nil {
		top = failure(t.err, width) + "\n"
	}
	return s.above(top, "", t.form, height)
}
