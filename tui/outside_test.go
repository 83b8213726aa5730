package tui

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// poison sets the title, writes the clipboard, wipes the page, hides and turns
// what follows, breaks the line and the encoding.
const poison = "\x1b]0;T\x07\x1b]52;c;aGk=\x07\x1b[2J\x1b[8m\u009b31m\u202e\u200b\n\r\x00\xff"

// poisoned adds poison to every text in v, and its name for the test to find.
func poisoned[T any](v T, names ...string) T {
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i), v.Type().Field(i).Name)
				}
			}
		case reflect.Slice:
			v.Set(reflect.AppendSlice(reflect.Zero(v.Type()), v)) // others have it too
			for i := range v.Len() {
				walk(v.Index(i), name)
			}
		case reflect.String:
			if v.Type() == reflect.TypeFor[string]() && (len(names) == 0 || strings.Contains(strings.Join(names, " "), name)) {
				v.SetString(v.String() + poison + "<" + name + ">")
			}
		}
	}
	walk(reflect.ValueOf(&v).Elem(), reflect.TypeFor[T]().Name())
	return v
}

// bad is an error of which every text is from outside.
type bad string

func (b bad) Error() string   { return string(b) + poison + "<" + string(b) + ">" }
func (b bad) Hints() []string { return []string{"hint" + poison + "<hint of " + string(b) + ">"} }

// outside is an engine all of whose texts come from outside. The fields that
// keys have to be typed for, or that are answers, are as they were.
func outside(t *testing.T) Engine {
	e := engine(t)
	hosts, networks, keys, cards, preview := e.Hosts, e.Networks, e.Keys, e.Cards, e.Preview
	e.Hosts = func() ([]hostfile.Saved, []error, error) {
		saved, _, _ := hosts()
		return append(saved, poisoned(hostfile.Saved{Host: nixgen.Host{Name: "old", Board: "4"}})), []error{bad("host file")}, bad("hosts")
	}
	var checks []preflight.Check
	for _, s := range []preflight.State{preflight.OK, preflight.Warning, preflight.Skipped} {
		checks = append(checks, found(poisoned(preflight.Finding{State: s, What: string(s), Why: string(s), Command: string(s), Todo: []string{string(s)}})))
	}
	e.Checks = round(checks...)
	e.Answers = func(context.Context, string) []string { return []string{"10.0.0.7" + poison + "<address>"} }
	e.Networks = func(ctx context.Context) ([]wifi.Network, []error, error) {
		found, _, _ := networks(ctx)
		return poisoned(found, "SSID"), []error{bad("network file")}, nil
	}
	e.Keys = func(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error) {
		found, _ := keys(ctx, h)
		return poisoned(found, "Comment Source Type Fingerprint Why Options"), []error{bad("key file")}
	}
	e.Preview = func(s hostfile.Saved) ([]nixgen.File, string, error) {
		s.Host.Networks = nil // checked where they are saved
		files, own, err := preview(s)
		return poisoned(files), own + poison, err
	}
	e.Plan = func(_ context.Context, _ string, report func(follow.Event)) (builder.Plan, error) {
		report(follow.Event{Line: "plan" + poison, Derivation: "drv" + poison})
		return poisoned(builder.Plan{Builds: []string{"linux"}, Big: []string{"linux"}, Takes: -1}), nil
	}
	e.Build = func(_ context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
		report(follow.Event{Line: poison + "<line>", Derivation: "drv" + poison, Progress: poisoned(follow.Progress{Stage: "building", Now: make([]follow.Running, 1), Waits: []string{"w"}})})
		return builder.Result{}, bad("build")
	}
	e.Cards = func(ctx context.Context) ([]disk.Device, error) {
		all, _ := cards(ctx)
		all[0] = poisoned(all[0], "Vendor Model Serial Label FSType Mounts")
		all[1] = poisoned(all[1])
		return all, bad("cards")
	}
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return nil, fs.ErrPermission }
	e.GrantCard = func(disk.Device) CardGrant { return poisonedGrant{} }
	e.GrantNetworks = func() WifiGrant { return poisonedGrant{} }
	return e
}

type poisonedGrant struct{ fakeGrant }

func (poisonedGrant) Command() string { return "sudo" + poison + "<command>" }
func (poisonedGrant) Networks() ([]wifi.Network, []error) {
	return nil, nil
}

// watcher looks at each page before the net of the wizard is below it.
type watcher struct {
	*driver
	drawn strings.Builder
}

func (w *watcher) look() {
	w.t.Helper()
	w.patient(w.settled)
	for _, size := range []tea.WindowSizeMsg{{Width: 60, Height: 20}, {Width: 300, Height: 100}, {Width: 80, Height: 24}} {
		w.send(size)
		view := w.w.page().view(w.w.state, size.Width-4, size.Height-4)
		for _, v := range []string{view, w.w.View(), w.w.busy(), w.w.farewell()} {
			if v == w.w.farewell() { // Run cleans it
				continue
			}
			if i := strings.IndexFunc(v, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }); i >= 0 || !utf8.ValidString(v) {
				w.t.Errorf("page %s draws %q", w.w.steps[w.w.at].name, v[max(0, i-20):min(len(v), max(0, i)+60)])
			}
		}
		w.drawn.WriteString(strings.Join(strings.Fields(view), " "))
	}
}

func (w *watcher) to(page string, keys ...string) {
	w.t.Helper()
	w.keys(keys...)
	w.on(page)
	w.look()
}

func TestNoTextFromOutsideActsOnTheTerminal(t *testing.T) {
	e := outside(t)
	w := &watcher{driver: drive(t, e)}
	w.look()
	w.to("check", "enter")
	w.to("board", "enter")
	w.to("hostname", "enter")
	w.to("hostname", "bach", "enter", "enter") // the name is in use
	w.to("wifi", "y")
	w.to("keys", "enter", "enter")
	w.to("keys", "d")
	w.keys("esc")
	w.to("preview", "enter")
	for range 4 {
		w.to("preview", "tab")
	}
	w.w.saved.Host.Networks = nil // they would not be saved
	w.to("build", "enter")
	w.patient(func() bool { return w.w.page().(*buildPage).asks })
	w.look()
	w.keys("y")
	w.tick()
	w.look()
	w.w.engine.Build = func(_ context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
		return builder.Result{Image: "x" + poison, Size: 1 << 30}, nil
	}
	w.keys("r")
	w.patient(func() bool { return w.w.page().(*buildPage).asks })
	w.keys("y")
	w.tick()
	w.look()
	w.to("card", "enter")
	w.to("card", "h")
	w.to("card", "esc")
	w.to("card", "enter")
	w.to("card", "sdb", "enter")
	w.patient(func() bool { return w.w.page().(*cardPage).asking.granted })
	w.look()
	w.w.engine.Open = func(context.Context, disk.Device) (flash.Opened, error) { return nil, bad("open") }
	w.to("card", "esc")
	w.to("card", "enter", "sdb", "enter")
	w.w.engine.Open = func(context.Context, disk.Device) (flash.Opened, error) { return &memory{}, nil }
	w.w.engine.Write = func(context.Context, hostfile.Saved, flash.Opened, disk.Device, func(flash.Progress)) (flash.Written, error) {
		return flash.Written{}, bad("write")
	}
	w.to("write", "enter", "sdb", "enter")
	w.tick()
	w.look()
	w.w.engine.Write = func(context.Context, hostfile.Saved, flash.Opened, disk.Device, func(flash.Progress)) (flash.Written, error) {
		return flash.Written{}, nil
	}
	w.w.engine.Wait = func(ctx context.Context, _ hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error) {
		report(poisoned(firstboot.Event{Text: "event"}))
		return firstboot.Result{}, bad("wait")
	}
	w.keys("enter", "enter", "sdb", "enter")
	w.on("write")
	w.tick()
	w.on("wait")
	w.patient(func() bool { return w.w.page().(*waitPage).over })
	w.look()
	w.w.engine.Wait = func(context.Context, hostfile.Saved, func(firstboot.Event)) (firstboot.Result, error) {
		return poisoned(firstboot.Result{Name: "bach.local", Hint: "hint"}), nil
	}
	w.w.engine.Login = func(context.Context, hostfile.Saved, firstboot.Result) (sshlogin.Way, error) {
		return sshlogin.Way{}, errors.Join(bad("login"))
	}
	w.keys("r")
	w.on("done")
	w.patient(func() bool { return w.w.page().(*donePage).over })
	w.w.saved.Host = poisoned(w.w.saved.Host)
	w.look()
	for _, name := range []string{
		"host file", "hosts", "What", "Why", "Command", "Todo", "address", "SSID", "network file", "Comment", "Source", "Type", "Fingerprint", "key file",
		"Text", "line", "Big", "build", "hint of build", "Model", "Label", "cards", "command", "open", "write", "hint of write", "wait", "Name", "Hint", "login",
	} {
		if !strings.Contains(w.drawn.String(), "<"+name+">") {
			t.Errorf("the text %s is drawn nowhere", name)
		}
	}
}
