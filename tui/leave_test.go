package tui

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
)

// reluctant is an engine whose build stops only when it is let go.
func reluctant(t *testing.T) (e Engine, letGo func()) {
	e = engine(t)
	gate := make(chan struct{})
	e.Build = func(ctx context.Context, _ string, _ func(follow.Event)) (builder.Result, error) {
		<-ctx.Done()
		<-gate
		return builder.Result{}, ctx.Err()
	}
	return e, func() { close(gate) }
}

func TestLeavingIsAStateInWhichNothingBegins(t *testing.T) {
	e, letGo := reluctant(t)
	begun := 0
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) { begun++; return s, nil }
	d := atBuild(t, e)
	d.sees("plan: ")
	d.press("ctrl+c", "y")
	d.sees("Stopping …")
	d.sees("is kept")
	d.pictures("closing")
	visit, saved := d.w.visit, begun
	card := &memory{}
	for _, msg := range []tea.Msg{
		tea.KeyMsg{Type: tea.KeyEsc},
		tea.KeyMsg{Type: tea.KeyEnter},
		tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("qy?r")},
		tea.KeyMsg{Type: tea.KeyCtrlC},
		reply{visit, edited{}},
		reply{visit, cardOpened{card: card}},
		reply{visit, crashed{errors.New("late")}},
		reply{visit, tick{d.w.page().(*buildPage).run}},
		reply{visit, onTerminal{command: command{ran: new([]string)}}},
		tea.WindowSizeMsg{Width: 100, Height: 30},
	} {
		if _, cmd := d.w.Update(msg); cmd != nil {
			t.Errorf("%T begins something", msg)
		}
	}
	d.on("build")
	d.sees("Stopping …")
	if d.quit || d.w.visit != visit || begun != saved || card.closed != 1 {
		t.Errorf("left %v, visit %d of %d, saved %d of %d times, the late card closed %d times", d.quit, d.w.visit, visit, begun, saved, card.closed)
	}
	letGo()
	d.patient(func() bool { return d.quit })
	if !d.quit || d.w.page().(*buildPage).run.running() {
		t.Error("the build was not waited for")
	}
	if err := d.w.outcome(); !errors.Is(err, ErrLeft) {
		t.Errorf("%v", err)
	}
}

func TestWhatWasAskedForAndHasNotBegunNeverDoes(t *testing.T) {
	d := drive(t, engine(t))
	ran := false
	cmd := d.w.ours(func() tea.Msg { ran = true; return nil })
	d.w.end()
	if cmd(); ran {
		t.Error("it began")
	}
	if d.w.end() != nil {
		t.Error("piwiz is left twice")
	}
}

func TestAnOpenCardIsClosedByLeaving(t *testing.T) {
	d := drive(t, engine(t))
	card := &memory{}
	d.w.opened = card
	d.press("ctrl+c")
	d.patient(func() bool { return d.quit })
	if d.w.stopAll(); card.closed != 1 {
		t.Errorf("closed %d times", card.closed)
	}
}

func TestLeavingSaysHowTheStoryEnded(t *testing.T) {
	d := drive(t, engine(t))
	fails := errors.New("failed")
	half := &flash.Error{What: "Writing was cancelled", Offset: -1, Err: context.Canceled, Todo: []string{"The card does not boot."}}
	for page, c := range map[string]struct {
		set  func()
		want error
	}{
		"welcome": {func() {}, ErrLeft},
		"board":   {func() {}, ErrLeft},
		"check": {func() {
			d.w.page().(*checkPage).results = []*checked{{Finding: preflight.Finding{State: preflight.Failure}, done: true}}
		}, NotReady{1}},
		"preview":  {func() { d.w.page().(*previewPage).err = fails }, fails},
		"build":    {func() { b := d.w.page().(*buildPage); b.over, b.err = true, fails }, fails},
		"card":     {func() { d.w.page().(*cardPage).listErr = fails }, fails},
		"write":    {func() { d.w.page().(*writePage).run = over[flash.Progress, flash.Written](half) }, half},
		"wait":     {func() {}, ErrLeft},
		"done":     {func() {}, nil},
		"keys":     {func() { d.w.crash = fails }, fails},
		"hostname": {func() { d.w.crash = nil }, ErrLeft},
	} {
		for i, s := range d.w.steps {
			if s.name == page {
				d.w.at = i
			}
		}
		c.set()
		if got := d.w.outcome(); !errors.Is(got, c.want) && got != c.want {
			t.Errorf("%s: %v, want %v", page, got, c.want)
		}
		d.w.crash = nil
	}
}

// over is work that has ended.
func over[P, R any](err error) *run[P, R] {
	r := start(context.Background(), func(context.Context, func(P)) (r R, _ error) { return r, err })
	<-r.done
	return r
}

func TestACancelledWriteSaysWhatTheCardIs(t *testing.T) {
	e := engine(t)
	e.Write = func(ctx context.Context, _ hostfile.Saved, _ flash.Opened, _ disk.Device, _ func(flash.Progress)) (flash.Written, error) {
		<-ctx.Done()
		return flash.Written{}, &flash.Error{What: "Writing was cancelled", Offset: -1, Err: ctx.Err(), Todo: []string{"The card is not finished and does not boot."}}
	}
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter", "enter", "sdb", "enter")
	d.on("write")
	d.press("ctrl+c", "y")
	d.patient(func() bool { return d.quit })
	err := d.w.outcome()
	if _, hints := Explain(err); !errors.Is(err, context.Canceled) || len(hints) != 1 || !strings.Contains(hints[0], "does not boot") {
		t.Errorf("%v, %q", err, hints)
	}
}

// cut is a terminal that is closed after some reads or writes.
type cut struct{ left int }

func (c *cut) Read(b []byte) (int, error) {
	if c.left--; c.left < 0 {
		return 0, io.EOF
	}
	b[0] = 'x'
	return 1, nil
}

func (c *cut) Write(b []byte) (int, error) {
	if c.left--; c.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}
func (*cut) Close() error { return nil }
func (*cut) Fd() uintptr  { return ^uintptr(0) }
func (*cut) Name() string { return "cut" }

func TestATerminalThatIsGoneIsNoticed(t *testing.T) {
	gone := 0
	in := watch(&cut{1}, func() { gone++ }).(io.ReadWriter)
	b := make([]byte, 8)
	if _, err := in.Read(b); err != nil || gone != 0 {
		t.Errorf("%v, gone %d times", err, gone)
	}
	if _, err := in.Read(b); err != io.EOF || gone != 1 {
		t.Errorf("%v, gone %d times", err, gone)
	}
	if _, err := in.Write(b); err == nil || gone != 2 {
		t.Errorf("%v, gone %d times", err, gone)
	}
	if plain := strings.NewReader("x"); watch(plain, nil) != any(plain) {
		t.Error("what is no terminal is watched")
	}
}
