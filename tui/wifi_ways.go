package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// A network with a password is joined as WPA2 or as WPA3 alone. nixgen decides
// by evidence; here the user may say otherwise, is told where that is in doubt,
// and says yes where the board most likely cannot do it.

// protection is how the kinds are called on the page.
var protection = map[wifi.Security]string{wifi.WPA2: "WPA2", wifi.WPA3: "WPA3 only", wifi.Open: "open"}

// wanted is the network as the Pi shall join it.
func (o offer) wanted() wifi.Network {
	if o.as == "" {
		return o.Network
	}
	n, err := o.As(o.as)
	if err != nil { // another password has come since, which does not serve for that
		return o.Network
	}
	return n
}

// turn joins it in the other way from now on.
func (o *offer) turn() error {
	to := wifi.WPA3
	if o.wanted().Security == wifi.WPA3 {
		to = wifi.WPA2
	}
	_, err := o.As(to)
	if err == nil {
		o.as = to
	}
	return err
}

// unturned says which marked network cannot be joined as the user said: its
// secret came later and does not serve for that. It is joined as it is known
// then, unless the user does something about it.
func (a *wifiAnswers) unturned() string {
	for _, o := range a.marked() {
		if _, err := o.As(cmp.Or(o.as, o.Security)); err != nil {
			for i := range a.offers {
				if a.offers[i].id == o.id {
					a.offers[i].as = ""
				}
			}
			return sentence(err) + " Press ctrl+t for that, or enter to join it as it is known."
		}
	}
	return ""
}

// doubt is what to tell about the way it is joined, "" when that is certain or
// was said by the user.
func (o offer) doubt() string {
	if o.Evidence.Doubt() == "" || o.as != "" || o.typed || o.Security != wifi.WPA2 {
		return ""
	}
	return "If your router is set to WPA3 only, press w."
}

// current is the offer under the cursor, nil where there is none.
func (a *wifiAnswers) current() *offer {
	i := slices.IndexFunc(a.offers, func(o offer) bool { return o.id == a.at })
	if i < 0 {
		return nil
	}
	return &a.offers[i]
}

// turn is the key that changes the way.
func (p *wifiPage) turn(s *state) {
	o := s.wifi.current()
	if o == nil || o.Security == wifi.Open {
		return
	}
	p.lacking = ""
	if err := o.turn(); err != nil {
		p.lacking = sentence(err) + " Press ctrl+t for that."
	}
	p.ask(s)
}

// onList tells that the keys are the list's, and none is text.
func (p *wifiPage) onList(s *state) bool {
	return p.typed == nil && p.form != nil && !p.locked() && len(s.wifi.offers) > 0 && p.form.Focused() == 0 && !p.form.Typing()
}

// host is the one that is asked about, with the networks as they are marked.
func (p *wifiPage) host(s *state) nixgen.Host {
	h := s.saved.Host
	h.Networks = s.wifi.networks()
	return h
}

// unsure are the ways to join that need a yes on this board. The rest of what
// may be a mistake is asked before the build, of all the answers together.
func (p *wifiPage) unsure(s *state) []nixgen.Doubt {
	return slices.DeleteFunc(p.host(s).Doubts(), func(d nixgen.Doubt) bool { return !d.IsWPA3Only() })
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

// warnings are what to know about the marked networks on this board; nothing
// to say yes to.
func (p *wifiPage) warnings(s *state, width int) string {
	text := ""
	for _, a := range nixgen.WifiAdvice(s.saved.Host.Board, s.wifi.networks()) {
		if !a.Ask {
			text += style.Warn.Render(wrap(clean.Line(a.Text), width)) + "\n"
		}
	}
	if text != "" {
		text += "\n"
	}
	return text
}

// about is the note on the network under the cursor and its like, "" for none.
func (p *wifiPage) about(s *state, width int) string {
	var lines []string
	if len(s.wifi.marked()) == 0 {
		lines = append(lines, style.Warn.Render(wrap("No network is marked: the Pi will need a cable.", width)))
	}
	o := s.wifi.current()
	if o != nil && o.doubt() != "" {
		lines = append(lines, style.Warn.Render(wrap(o.doubt(), width)))
	}
	if o != nil && s.wifi.double(*o) {
		lines = append(lines, style.Dim.Render(wrap("One network of a name: a mark unmarks the other.", width)))
	}
	if lines == nil {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// findings is where networks were looked for and what was skipped: in a line or
// two where there is a list to be seen, unless the details are wanted.
func (p *wifiPage) findings(s *state, width int) string {
	fold := len(s.wifi.offers) > 0 && !p.details
	var text string
	if fold {
		if p.looked.Line != "" {
			text = "Known here: " + p.looked.Line + ". "
		}
		if n := len(p.problems); n > 1 {
			text += fmt.Sprintf("Skipped: %d. ", n)
		}
		if text != "" {
			text = style.Dim.Render(wrap(text+"Press d for details.", width)) + "\n"
		}
		if len(p.problems) > 1 {
			return text
		}
		return text + notes(p.problems, width)
	}
	for _, place := range p.looked.Each {
		text += style.Dim.Render(wrap("Looked in "+place+".", width)) + "\n"
	}
	return text + notes(p.problems, width)
}
