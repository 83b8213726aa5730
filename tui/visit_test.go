package tui

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// slow is an engine whose every answer waits until it is let go. It answers
// whatever its context says, as a system call does that cannot be broken off.
func slow(t *testing.T) (e Engine, letGo func(n int)) {
	e = engine(t)
	gate := make(chan struct{}, 100)
	var asked atomic.Int32
	number := func() int32 { return asked.Add(1) }
	was := e
	e.Checks = round(preflight.Check{Name: "check", Run: func(context.Context) preflight.Finding {
		n := number()
		<-gate
		return preflight.Finding{State: preflight.OK, What: fmt.Sprintf("finding %d.", n)}
	}})
	e.Answers = func(context.Context, string) []string {
		n := number()
		<-gate
		return []string{fmt.Sprintf("address %d", n)}
	}
	e.Networks = func(ctx context.Context) ([]wifi.Network, []error, error) {
		n := number()
		<-gate
		return []wifi.Network{{SSID: fmt.Sprintf("network %d", n), Security: wifi.Open}}, nil, nil
	}
	e.Keys = func(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error) {
		<-gate
		return was.Keys(ctx, h)
	}
	e.Cards = func(ctx context.Context) ([]disk.Device, error) {
		n := number()
		<-gate
		d := sdb
		d.Model = fmt.Sprintf("card %d", n)
		return []disk.Device{d}, nil
	}
	return e, func(n int) {
		for range n {
			gate <- struct{}{}
		}
	}
}

// TestAnAnswerIsForTheVisitThatAsked leaves each page while it is asking, comes
// back, and has the answers come together: only the last one counts.
func TestAnAnswerIsForTheVisitThatAsked(t *testing.T) {
	at := func(page string, e Engine) *driver {
		d := drive(t, e)
		for i, s := range d.w.steps {
			if s.name == page {
				d.w.at = i
			}
		}
		d.w.saved = hostfile.Saved{Host: e.Defaults()}
		d.w.saved.Host.Name = "bach"
		return d
	}
	for page, want := range map[string]string{"check": "finding 2.", "wifi": "network 2", "card": "card 2", "keys": "me@laptop"} {
		t.Run(page, func(t *testing.T) {
			e, letGo := slow(t)
			d := at(page, e)
			d.run(d.w.show())
			late := d.pending
			d.pending = nil
			d.run(d.w.show())
			letGo(2)
			d.sees(want)
			before := d.text()
			d.pending = append(d.pending, late...)
			d.soon(func() bool { return d.text() != before })
			if got := d.text(); got != before {
				t.Errorf("an answer to the first visit changed the second:\n%s\n---\n%s", before, got)
			}
		})
	}
}

func TestALateAnswerAboutANameDoesNotMoveThePage(t *testing.T) {
	e, letGo := slow(t)
	e.Checks = round()
	d := drive(t, e)
	d.press("enter")
	d.on("check")
	d.press("enter", "enter")
	d.on("hostname")
	d.press("bach", "enter", "enter")
	d.press("esc")
	d.on("board")
	d.press("enter")
	d.on("hostname")
	letGo(1)
	d.soon(func() bool { return strings.Contains(d.text(), "address") })
	d.on("hostname")
	d.lacks("address 1")
}

func TestACardOpenedForAPageThatIsLeftIsClosed(t *testing.T) {
	card := &memory{}
	d := drive(t, engine(t))
	was := d.w.visit
	d.w.again()
	d.send(reply{was, cardOpened{card: card}})
	if card.closed != 1 {
		t.Errorf("closed %d times", card.closed)
	}
}

func TestACommandOfAPageThatIsLeftIsNotRun(t *testing.T) {
	d := drive(t, engine(t))
	was := d.w.visit
	wish := exec(command{ran: new([]string)}, func(error) tea.Msg { return nil })()
	if _, cmd := d.w.Update(reply{was, wish}); cmd == nil {
		t.Error("the command of the page that is shown is not run")
	}
	d.w.again()
	if _, cmd := d.w.Update(reply{was, wish}); cmd != nil {
		t.Error("a command runs for a page that is left")
	}
}

func TestLettersOfOneReadAreKeys(t *testing.T) {
	e := engine(t)
	d := drive(t, e)
	d.press("jjj")
	d.sees("► Leave")
	d.press("kkkkk")
	d.sees("► Set up a new Raspberry Pi")
	d.press("enter") // and a name that is spelt like a key is none
	d.on("check")
	d.keys("enter", "enter")
	d.on("hostname")
	d.press("esc")
	d.on("board")
	d.keys("enter")
	d.on("hostname")
	d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("esc")})
	d.on("hostname")
	d.sees("esc")
}

func TestAPasteIsNoKey(t *testing.T) {
	d := drive(t, engine(t))
	for _, text := range []string{"q", "jj", "enter", "?"} {
		d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
	}
	d.on("welcome")
	d.sees("► Set up a new Raspberry Pi")
	if d.quit || d.w.keys {
		t.Error("a paste was taken for keys")
	}
}

func TestALineFeedIsEnter(t *testing.T) {
	d := drive(t, engine(t))
	d.send(tea.KeyMsg{Type: tea.KeyCtrlJ})
	d.on("check")
}

func TestATerminalWithoutASizeGetsTheUsualOne(t *testing.T) {
	d := drive(t, engine(t))
	for _, size := range []tea.WindowSizeMsg{{}, {Width: 80}, {Height: 24}} {
		d.send(size)
		if d.w.width != usualWidth || d.w.height != usualHeight {
			t.Errorf("%v: %d×%d", size, d.w.width, d.w.height)
		}
		d.sees("Set up a new Raspberry Pi")
	}
	if w := newWizard(t.Context(), engine(t)); !strings.Contains(w.View(), "Set up a new") {
		t.Error("nothing is drawn before the terminal says its size")
	}
}
