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

// show shows the form, new each time.
func (t *typedNetwork) show(w *window) {
	t.doubt, t.settled = "", 0
	t.form = w.newForm(
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

// typeIn gives a key to the form; the network is nil until it is whole.
func (t *typedNetwork) typeIn(w *window, msg tea.Msg) *wifi.Network {
	if t.doubt == "" {
		t.form.Update(msg)
		if t.form.Done() {
			return t.settle(w)
		}
	}
	return nil
}

// settle asks about what cannot be seen in a text, one after the other. Then
// the network is whole.
func (t *typedNetwork) settle(w *window) *wifi.Network {
	for ; t.settled < len(t.texts()); t.settled++ {
		what, _ := wifi.Odd(*t.texts()[t.settled])
		if what != "" {
			t.doubt = [...]string{"The name of the network ", "The password "}[t.settled] + what + ". Keep it?"
			return nil
		}
	}
	n, err := wifi.Typed(t.ssid, t.secret, wifi.Security(t.safety), t.hidden == "yes")
	if t.err = err; err != nil {
		t.show(w)
		return nil
	}
	return &n
}

// decide takes the answer to a doubt.
func (t *typedNetwork) decide(w *window, k string) *wifi.Network {
	text := t.texts()[t.settled]
	switch k {
	case "y":
	case "n", "enter":
		_, *text = wifi.Odd(*text)
	default:
		return nil
	}
	t.doubt = ""
	t.settled++
	return t.settle(w)
}

func (t *typedNetwork) view(w *window, width, height int) string {
	if t.doubt != "" {
		return style.Warn.Render(wrap(t.doubt, width)) + "\n\n" +
			wrap("It cannot be seen, and often slips in when a text is copied. Press y to keep it exactly as it is, n or enter to take it out, esc to go back to the form.", width)
	}
	top := ""
	if t.err != nil {
		top = failure(t.err, width) + "\n"
	}
	return w.above(top, "", t.form, height)
}
