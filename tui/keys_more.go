package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/sshkey"
	"piwiz/tui/form"
	"piwiz/tui/style"
)

// moreKeys is what is open over the list: a paste, or the form for a file or
// for the name of a new key. Left by esc it is forgotten.
//
// What is pasted is never drawn, for it may be a private key by mistake. Then
// it is forgotten at once, and no key counts until esc: a terminal that does
// not mark pastes is still sending the rest of it. For the same reason enter
// does not leave a paste that holds something: it takes the line.
type moreKeys struct {
	form    *form.Form // nil for a paste
	value   string     // of the form
	making  bool       // the form asks for the name of a new key
	text    string     // pasted so far
	taken   int        // keys of it
	refused error      // a private key was pasted
	err     error
}

func fileForm(w *window, err error, value string) *moreKeys {
	m := &moreKeys{value: value, err: err}
	m.form = w.newForm(form.Text("Which file?", "A public key such as ~/keys/laptop.pub, or a private one: only its public half is taken.", &m.value, nil))
	m.form.Init()
	return m
}

func nameForm(w *window, err error, value string) *moreKeys {
	m := &moreKeys{value: value, err: err, making: true}
	m.form = w.newForm(form.Text("What should the new key be called?", "id_ed25519 already exists and is kept. With any other name, ssh needs -i.", &m.value, sshkey.CheckName))
	m.form.Init()
	return m
}

// paste takes letters, or all of a paste that the terminal marks. It tells
// whether that was all.
func (m *moreKeys) paste(to *keyAnswers, msg tea.KeyMsg) (over bool) {
	const most = 64 << 10
	switch {
	case msg.String() == "enter" && m.text == "":
		return true
	case msg.String() == "enter", msg.Paste && strings.ContainsAny(string(msg.Runes), "\r\n"):
		m.readPaste(to, m.text+string(msg.Runes))
	case msg.String() == "backspace", msg.String() == "ctrl+u":
		m.text, m.err = "", nil
	case msg.Type == tea.KeySpace:
		m.text += " "
	case msg.Type == tea.KeyRunes && len(m.text) < most:
		m.text, m.err = m.text+string(msg.Runes), nil
		if sshkey.IsPrivate(m.text) {
			m.readPaste(to, m.text)
		}
	}
	return false
}

func (m *moreKeys) readPaste(to *keyAnswers, text string) {
	m.text = ""
	keys, err := sshkey.Parse(text)
	if m.err = err; err != nil {
		if sshkey.IsPrivate(text) {
			m.refused = err
		}
		return
	}
	for _, k := range keys {
		k.Source = "pasted"
		to.take(k)
		m.taken++
	}
}

func (m *moreKeys) view(w *window, width, height int) string {
	top := ""
	if m.err != nil && m.refused == nil {
		top = failure(m.err, width) + "\n\n"
		if m.form == nil {
			top = style.Danger.Render(wrap(sentence(m.err), width)) + "\n\n"
		}
	}
	if m.form != nil {
		return w.above(top, "", m.form, height)
	}
	if m.refused != nil {
		return style.Danger.Render(wrap("That was a private key. It was not kept and goes nowhere.", width)) + "\n\n" +
			wrap("Copy the public half instead: the one line in the file whose name ends in .pub. If other people saw the private one, for example in a chat, make a new key and stop using that one.\n\nPress esc to go back to the keys.", width)
	}
	say := wrap("Paste one or more public keys with your terminal's own keys (often ctrl+shift+v). Each is one line that begins with its type, for example ssh-ed25519. What you paste is not shown.", width) + "\n\n"
	switch {
	case m.text != "":
		say += style.Focus.Render(wrap(fmt.Sprintf("%d characters so far. Press enter to take them, ctrl+u to begin again.", len(m.text)), width))
	case m.taken > 0:
		say += style.OK.Render(wrap(fmt.Sprintf("Added: %s. Paste more, or press enter to go back to the list.", count(m.taken, "key")), width))
	default:
		say += style.Dim.Render("Nothing yet.")
	}
	return w.fit(top, say, height)
}

func (m *moreKeys) help() []key.Binding {
	switch {
	case m.refused != nil:
		return []key.Binding{bind("esc", "to the keys")}
	case m.form == nil && m.text == "" && m.taken == 0:
		return []key.Binding{bind("esc", "to the keys")}
	case m.form == nil && m.text == "":
		return []key.Binding{bind("enter", "to the keys")}
	}
	return []key.Binding{bind("enter", "go on"), bind("esc", "to the keys")}
}
