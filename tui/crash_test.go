package tui

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// untilABug plays the whole story until a page says that piwiz has a bug. The
// commands that have the terminal are run too.
func (d *driver) untilABug() bool {
	d.t.Helper()
	bug := func() bool { return strings.Contains(d.text(), "piwiz has a bug") }
	pressed := map[string]int{}
	for range 120 {
		d.patient(func() bool { return bug() || d.settled() && !d.working() })
		if bug() {
			return true
		}
		page := d.w.steps[d.w.at].name
		k := "enter"
		switch pressed[page]++; page {
		case "check":
			if p := d.w.page().(*checkPage); p.offer == "" && p.repair() != "" {
				k = "f"
			}
		case "hostname":
			if pressed[page] == 1 {
				k = "bach"
			}
		case "keys":
			switch p := d.w.page().(*keysPage); {
			case len(d.w.logins.keys) == 0 && d.w.engine.ReadKey != nil && p.more == nil:
				k = "f"
			case p.more != nil && p.more.value == "":
				k = "~/k.pub"
			case len(d.w.logins.keys) == 0 && p.more == nil:
				k = "m"
			}
		case "preview":
			if pressed[page] == 1 {
				k = "e"
			}
		case "card":
			switch p := d.w.page().(*cardPage); {
			case p.asking != nil && !p.asking.granted && p.asking.typed.Value() == "":
				k = p.asking.wanted()
			}
		case "done":
			return false
		}
		d.press(k)
	}
	return false
}

// working tells whether the page's work goes on.
func (d *driver) working() bool {
	switch p := d.w.page().(type) {
	case *buildPage:
		return !p.over && !p.asks
	case *writePage:
		return !p.over
	case *waitPage:
		return !p.over
	case *keysPage:
		return !p.read
	case *donePage:
		return !p.over
	}
	return false
}

// needed is what makes the story use a part of the engine that it does not need
// when all is well.
var needed = map[string]func(*Engine){
	"Checks": func(e *Engine) {
		e.Checks = round(preflight.Check{Name: "nix", Run: func(context.Context) preflight.Finding { panic("deliberate") }})
	},
	"Repair": func(e *Engine) {
		e.Checks = round(found(preflight.Finding{State: preflight.Failure, What: "x", Command: "true"}))
	},
	"GrantNetworks": func(e *Engine) {
		e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, fs.ErrPermission }
	},
	"AskSecret": func(e *Engine) {
		e.Networks = func(context.Context) ([]wifi.Network, []error, error) {
			return []wifi.Network{{SSID: "attic", Security: wifi.WPA2, Kept: "1", Connected: true}}, nil, nil
		}
	},
	"MakeKey": func(e *Engine) {
		e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) { return nil, nil }
	},
	"ReadKey": func(e *Engine) {
		e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) { return nil, nil }
	},
	"Newest": func(e *Engine) {
		large := sdb
		large.Size = 1 << 41
		e.Cards = func(context.Context) ([]disk.Device, error) { return []disk.Device{large}, nil }
	},
	"GrantCard": func(e *Engine) {
		e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return nil, fs.ErrPermission }
	},
}

// TestAPanicInAnyPartOfTheEngineIsAPageThatSaysSo has every part panic, those
// that are added later too.
func TestAPanicInAnyPartOfTheEngineIsAPageThatSaysSo(t *testing.T) {
	kind := reflect.TypeFor[Engine]()
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t)
			e.Edit = func(hostfile.Saved) tea.ExecCommand { return command{ran: new([]string)} }
			if change := needed[name]; change != nil {
				change(&e)
			}
			if f := reflect.ValueOf(&e).Elem().Field(i); f.Kind() == reflect.Func {
				f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { panic("deliberate") }))
			}
			d := drive(t, e)
			if !d.untilABug() {
				t.Fatalf("it does not say so:\n%s", d.text())
			}
			if s := d.w.steps[d.w.at].name; s != "check" && !crash.Is(d.w.outcome()) {
				t.Errorf("on %s the outcome is %v", s, d.w.outcome())
			}
			d.lacks("goroutine")
			d.press("?", "j", "x") // keys do no harm
			d.press("ctrl+c")
			if d.w.leaving {
				d.press("y")
			}
			d.patient(func() bool { return d.quit })
			if !d.quit {
				t.Errorf("ctrl+c does not leave:\n%s", d.text())
			}
		})
	}
}

// broken is a page that panics in one of its parts, as long as it is told to.
type broken struct {
	page
	in    string
	again bool
}

func (b *broken) panics(in string) {
	if b.in == in && !b.again {
		panic("deliberate")
	}
}

func (b *broken) enter(s *state) tea.Cmd { b.panics("enter"); return b.page.enter(s) }
func (b *broken) update(s *state, m tea.Msg) (move, tea.Cmd) {
	b.panics("update")
	return b.page.update(s, m)
}
func (b *broken) view(s *state, w, h int) string { b.panics("view"); return b.page.view(s, w, h) }
func (b *broken) help(s *state) []key.Binding    { b.panics("help"); return b.page.help(s) }

func TestAPanicInAnyPageIsSaidThereAndThePageCanBeBegunAgain(t *testing.T) {
	for at, s := range story() {
		for _, in := range []string{"enter", "update", "view", "help"} {
			t.Run(s.name+" "+in, func(t *testing.T) {
				t.Parallel()
				e := engine(t)
				d := drive(t, e)
				d.w.saved = hostfile.Saved{Host: e.Defaults()}
				d.w.saved.Host.Name, d.w.card, d.w.opened = "bach", sdb, &memory{}
				d.about = s.name
				b := &broken{page: d.w.steps[at].page, in: in}
				d.w.steps[at].page = b
				d.w.at = at
				d.w.safely(func() { d.run(d.w.show()) })
				if in == "update" {
					d.press("x")
				}
				d.sees("piwiz has a bug: deliberate")
				d.sees("enter restart this page")
				b.again = true
				d.press("enter")
				d.lacks("piwiz has a bug")
				if s.name != "write" { // a card is not written again without being chosen again
					d.on(s.name)
				}
			})
		}
	}
}

func TestAPanicOfACommandThatHasTheTerminalIsAnError(t *testing.T) {
	b := &borrower{ExecCommand: panics{}, ctx: t.Context(), out: new(strings.Builder)}
	if err := b.Run(); !crash.Is(err) {
		t.Errorf("%v", err)
	}
}

type panics struct{ command }

func (panics) Run() error { panic("deliberate") }

func TestACommandThatFailedKeepsTheTerminal(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	b := &borrower{ExecCommand: command{ran: new([]string), err: errors.New("exit code 100")}, ctx: t.Context(), out: &said}
	if err := b.Run(); err == nil || !strings.Contains(said.String(), "exit code 100\nPress enter to go back to piwiz.") {
		t.Errorf("%v, %q", err, said.String())
	}
	ended, end := context.WithCancel(t.Context())
	end()
	b = &borrower{ExecCommand: endless{}, ctx: ended, out: &said}
	if err := b.Run(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type endless struct{ command }

func (endless) Run() error { select {} }
