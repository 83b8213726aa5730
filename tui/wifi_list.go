package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
	"piwiz/tui/clean"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// wifiList are the networks to choose from, as far as this computer may know
// them.
type wifiList struct {
	known    []wifi.Network
	problems []error
	err      error
	read     bool // the answer to reading came
	refused  bool // administrator rights were refused: not asked again
	more     bool // they are wanted although some networks are known
	form     *form.Form
	lacking  string      // why the page was not left, or a network not turned
	searched wifi.Places // where networks were searched for
	details  bool        // of that, and of what was skipped, are shown
}

type networksRead struct {
	known    []wifi.Network
	problems []error
	err      error
	granted  bool
	searched wifi.Places
}

func readNetworks(ctx context.Context, e Engine) tea.Msg {
	known, problems, err := e.Networks(ctx)
	return networksRead{known, problems, err, false, e.Searched()}
}

// closed tells that there may be more which only the administrator may read.
func (l *wifiList) closed() bool { return errors.Is(l.err, fs.ErrPermission) && !l.refused }

// locked tells that the page asks for administrator rights: when no network is
// known without them, or when the user wants to.
func (l *wifiList) locked() bool {
	return l.closed() && (l.more || !slices.ContainsFunc(l.known, wifi.Network.Usable))
}

func (l *wifiList) took(s *state, msg networksRead) {
	if msg.granted && msg.err != nil && len(msg.known) == 0 {
		msg.known = l.known // what was known before the rights were asked for
	}
	l.read, l.problems, l.err, l.searched = true, msg.problems, msg.err, msg.searched
	l.known = msg.known
	if msg.granted && msg.err != nil {
		l.refused = true
	}
	if !l.locked() {
		l.ask(s)
	}
}

func (l *wifiList) ask(s *state) {
	if l.err == nil || len(l.known) > 0 {
		s.wifi.know(l.known)
	}
	fields := []form.Field{form.Text("Country", "Two letters, for example DE. It decides which Wi-Fi channels are allowed.", &s.country, complaint(nixgen.CheckCountry))}
	if len(s.wifi.offers) > 0 {
		fields = append([]form.Field{form.Many("Which Wi-Fi networks? Mark none to use a cable.", &s.wifi.chosen, &s.wifi.at, s.wifi.options(s.origin, l.err == nil))}, fields...)
	}
	l.form = s.newForm(fields...)
	l.form.Init()
}

// focused tells that the cursor is in the list of networks.
func (l *wifiList) focused(s *state) bool {
	return l.form != nil && !l.locked() && len(s.wifi.offers) > 0 && l.form.Focused() == 0 && !l.form.Typing()
}

// turn is the key that changes the way.
func (l *wifiList) turn(s *state) {
	o := s.wifi.current()
	if o == nil || o.Security == wifi.Open {
		return
	}
	l.lacking = ""
	if err := o.turn(); err != nil {
		l.lacking = sentence(err) + " Press ctrl+t for that."
	}
	l.ask(s)
}

// rightsView asks for administrator rights.
func (l *wifiList) rightsView(s *state, width, height int) string {
	why := "This computer keeps its Wi-Fi passwords in files that only the administrator may read. piwiz can ask for that right once, to copy the networks you choose. It runs:"
	if _, hints := Explain(l.err); l.more && len(hints) > 0 { // a secret was withheld
		why = sentence(l.err) + " " + why
	}
	if s.origin != "" && len(s.wifi.offers) > 0 {
		why = "What is saved with " + s.origin + " is kept. " + why
	}
	return s.fit(wrap(why, width)+"\n\n  "+style.Command.Render(clean.Line(s.engine.GrantNetworks().Command())),
		"\n"+wrap("Press enter to run it: you may be asked for your password. Press n to skip it: then you can type a network in, or use a cable.", width), height)
}

// listView draws the list, and around it what is to be known of it.
func (l *wifiList) listView(s *state, width, height int) string {
	var b strings.Builder
	b.WriteString(l.warnings(s, width))
	b.WriteString(l.findings(s, width))
	if l.err != nil && !errors.Is(l.err, fs.ErrPermission) {
		headline, _ := Explain(l.err)
		b.WriteString(style.Warn.Render(wrap(headline, width)) + "\n")
	}
	hint := ""
	switch {
	case l.lacking != "":
		hint = style.Danger.Render(wrap(l.lacking, width)) + "\n\n"
	case len(s.wifi.offers) == 0:
		hint = wrap("This computer knows no Wi-Fi network. Press ctrl+t to type one in, or go on and connect the Pi by cable.", width) + "\n\n"
	default:
		more := ""
		if l.closed() {
			more = "; ctrl+r reads the rest with administrator rights"
		}
		if l.folded(s) && l.summary() != "" {
			more += "; d shows details"
		}
		hint = style.Dim.Render(wrap("Space marks or unmarks; ctrl+t types another one in"+more+".", width)) + "\n" + l.about(s, width) + "\n"
	}
	return s.above(b.String(), hint, l.form, height)
}

// warnings are what to know about the marked networks on this board; nothing
// to say yes to.
func (l *wifiList) warnings(s *state, width int) string {
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

// findings is where networks were searched for and what was skipped: in a line or
// two where there is a list to be seen, unless the details are wanted.
func (l *wifiList) findings(s *state, width int) string {
	var text string
	if l.folded(s) {
		if text = l.summary(); text != "" {
			text = style.Dim.Render(wrap(text, width)) + "\n"
		}
		if len(l.problems) > 1 {
			return text
		}
		return text + notes(l.problems, width)
	}
	for _, place := range l.searched.Each {
		text += style.Dim.Render(wrap("Looked in "+place+".", width)) + "\n"
	}
	return text + notes(l.problems, width)
}

// folded says that the findings are in a line or two.
func (l *wifiList) folded(s *state) bool { return len(s.wifi.offers) > 0 && !l.details }

// summary is that line, "" when there is nothing to tell. Which key shows more is
// told beside the list: what is above it may be scrolled away.
func (l *wifiList) summary() string {
	var parts []string
	if l.searched.Line != "" {
		parts = append(parts, "Known here: "+l.searched.Line+".")
	}
	if n := len(l.problems); n > 1 {
		parts = append(parts, fmt.Sprintf("Skipped: %d.", n))
	}
	return strings.Join(parts, " ")
}

// about is the note on the network under the cursor and its like, "" for none.
func (l *wifiList) about(s *state, width int) string {
	var lines []string
	if len(s.wifi.marked()) == 0 {
		lines = append(lines, style.Warn.Render(wrap("No network is marked: the Pi will need a cable.", width)))
	}
	o := s.wifi.current()
	if o != nil && o.doubt() != "" {
		lines = append(lines, style.Warn.Render(wrap(o.doubt(), width)))
	}
	if o != nil && s.wifi.double(*o) {
		lines = append(lines, style.Dim.Render(wrap("Only one network of a name can be marked: marking one unmarks the other.", width)))
	}
	if lines == nil {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
