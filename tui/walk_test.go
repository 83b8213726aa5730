package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/flash/meter"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
	"piwiz/tui/style"
)

// walker is a user who does anything, on a computer where anything happens.
type walker struct {
	*driver
	world *world
	r     *dice
	did   []string
}

// dice are thrown by the engine's functions too, on any goroutine.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// perhaps is an error, often: a long one with hints, all from outside.
func (w *walker) perhaps(what string) error {
	if w.r.IntN(3) > 0 {
		return nil
	}
	return w.err(what)
}

func (w *walker) err(what string) error {
	text := strings.Repeat(what+" fails and this is what it says about it "+poison, 1+w.r.IntN(1+w.r.IntN(60)))
	if w.r.IntN(2) == 0 {
		return &builder.Error{Headline: text, Why: text, Page: []string{"", "check", "wifi", "keys", "preview", "board"}[w.r.IntN(6)]}
	}
	return errors.New(text)
}

func (w *walker) errs(what string) (out []error) {
	for range w.r.IntN(4) {
		if err := w.perhaps(what); err != nil {
			out = append(out, err)
		}
	}
	return out
}

// hostile is the engine of the world, with everything failing at random and
// every text from outside made to command the terminal.
func (w *walker) hostile() Engine {
	e := w.world.engine()
	fail := w.perhaps
	hosts := e.Hosts
	e.Hosts = func() ([]hostfile.Saved, []error, error) {
		saved, _, _ := hosts()
		return saved, w.errs("host file"), nil
	}
	var checks []preflight.Check
	for _, s := range []preflight.State{preflight.OK, preflight.Warning, preflight.Skipped, preflight.Unneeded, preflight.Failure} {
		if w.r.IntN(2) == 0 {
			f := poisoned(preflight.Finding{State: s, What: string(s), Why: strings.Repeat("because ", w.r.IntN(40)), Command: strings.Repeat("do it ", w.r.IntN(60)), Todo: []string{string(s)}})
			checks = append(checks, preflight.Check{Name: "check", Last: w.r.IntN(3) == 0, Run: func(context.Context) preflight.Finding { return f }})
		}
	}
	e.Checks = round(checks...)
	e.Repair = func(string) tea.ExecCommand { return command{ran: new([]string), err: w.perhaps("repair")} }
	e.Answers = func(context.Context, string) []string {
		if fail("answers") == nil {
			return nil
		}
		return []string{"10.0.0.7" + poison, strings.Repeat("fe80::1 ", 30)}
	}
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) {
		if w.r.IntN(3) == 0 {
			return nil, nil, fs.ErrPermission
		}
		return w.world.nets, w.errs("network file"), fail("networks")
	}
	e.GrantNetworks = func() WifiGrant { return &walkGrant{fakeWifiGrant{}, w.perhaps("grant")} }
	e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) {
		return poisoned(slices.Clone(w.world.keys), "Comment Source"), w.errs("key file")
	}
	e.ReadKey = func(string) ([]sshkey.PublicKey, error) {
		return []sshkey.PublicKey{w.world.key("read@here", "")}, fail("read")
	}
	e.MakeKey = func(string) (sshkey.PublicKey, error) {
		return w.world.key("made@here", ""), fail("make")
	}
	save, preview := e.Save, e.Preview
	e.Save = func(h hostfile.Saved) (hostfile.Saved, error) {
		if err := fail("save"); err != nil {
			return h, err
		}
		return save(h)
	}
	e.Preview = func(s hostfile.Saved) ([]nixgen.File, string, error) {
		files, own, err := preview(s)
		if bad := w.perhaps("preview"); bad != nil {
			return nil, "", bad
		}
		return poisoned(files), own + poison, err
	}
	e.Edit = func(hostfile.Saved) tea.ExecCommand { return command{ran: new([]string), err: w.perhaps("edit")} }
	e.Plan = func(_ context.Context, _ string, report func(follow.Event)) (builder.Plan, error) {
		report(follow.Event{Line: "plan" + poison})
		err := fail("plan")
		if fail("plan warns") != nil {
			return poisoned(builder.Plan{Builds: make([]string, 30), Big: []string{"linux", "gcc"}, Takes: time.Hour}), err
		}
		return builder.Plan{Takes: -1}, err
	}
	e.Build = func(_ context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
		report(follow.Event{Line: poison + "line", Derivation: "drv" + poison, Progress: poisoned(follow.Progress{Stage: "building", Now: make([]follow.Running, 9), Waits: []string{"w"}})})
		return builder.Result{Image: "/x.img" + poison}, fail("build")
	}
	e.Cards = func(context.Context) ([]disk.Device, error) {
		var all []disk.Device
		for i := range w.r.IntN(9) {
			d := sdb
			d.Partitions = slices.Clone(d.Partitions)
			d = poisoned(d, "Vendor Model Label FSType")
			d.Name = "sd" + string(rune('b'+i))
			d.Path = "/dev/" + d.Name
			d.Size <<= w.r.IntN(8)
			d.Removable = w.r.IntN(4) > 0
			all = append(all, d)
		}
		return all, fail("cards")
	}
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) {
		if w.r.IntN(3) == 0 {
			return nil, fs.ErrPermission
		}
		if err := fail("open"); err != nil {
			return nil, err
		}
		return &memory{}, nil
	}
	e.GrantCard = func(disk.Device) CardGrant { return &walkCardGrant{fakeGrant{}, w.perhaps("grant")} }
	e.Write = func(_ context.Context, _ hostfile.Saved, _ flash.Opened, _ disk.Device, report func(flash.Progress)) (flash.Written, error) {
		report(flash.Progress{Stage: meter.Writing, Done: 1, Total: 3})
		return flash.Written{}, fail("write")
	}
	e.Wait = func(_ context.Context, _ hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error) {
		report(poisoned(firstboot.Event{Text: "looking"}))
		return poisoned(firstboot.Result{Name: "bach.local", Hint: strings.Repeat("hint ", 40)}), fail("wait")
	}
	e.Login = func(context.Context, hostfile.Saved, firstboot.Result) (sshlogin.Way, error) {
		return poisoned(sshlogin.Way{Command: "ssh alice@bach.local", Works: w.r.IntN(2) > 0, Why: []string{"why"}, Fix: make([]string, 4), Known: "known", Line: "bach.local ssh-ed25519 A", File: "/f"}), fail("login")
	}
	return e
}

type walkGrant struct {
	fakeWifiGrant
	err error
}

func (g *walkGrant) Command() string { return "sudo piwiz grant wifi" + poison }
func (g *walkGrant) Run() error      { return g.err }

type walkCardGrant struct {
	fakeGrant
	err error
}

func (g *walkCardGrant) Command() string {
	return strings.Repeat("sudo piwiz grant open ", 9) + poison
}
func (g *walkCardGrant) Run() error { return g.err }

// act does something: often what leads on, else anything.
func (w *walker) act() {
	switch n := w.r.IntN(100); {
	case n < 40:
		w.forward()
	case n < 75:
		keys := []string{"esc", "up", "down", "space", "y", "n", "r", "a", "f", "h", "m", "e", "x", "/", "?", "q", "tab", "shift+tab", "ctrl+t", "ctrl+u", "ctrl+c", "pgup", "pgdown", "home", "end", "jjj", "yy", "enter", "esc", "left", "backspace"}
		w.key1(keys[w.r.IntN(len(keys))])
	case n < 85:
		w.paste()
	default:
		size := tea.WindowSizeMsg{Width: 10 + w.r.IntN(291), Height: 3 + w.r.IntN(98)}
		switch w.r.IntN(4) {
		case 0:
			size = tea.WindowSizeMsg{Width: 60, Height: 20}
		case 1:
			size = tea.WindowSizeMsg{Width: 80, Height: 24}
		}
		w.do(fmt.Sprintf("%d×%d", size.Width, size.Height), size)
	}
}

// forward does what leads on from the page.
func (w *walker) forward() {
	switch p := w.w.page().(type) {
	case *hostnamePage:
		if w.w.saved.Host.Name == "" {
			w.key1("ctrl+u")
			w.key1([]string{"bach", "anna", "carl", "dora"}[w.r.IntN(4)])
		}
	case *buildPage:
		w.key1("y")
	case *cardPage:
		if p.asking != nil {
			w.key1("ctrl+u")
			w.key1(p.asking.wanted())
		}
	case *checkPage:
		w.key1("a")
		return
	}
	w.key1("enter")
}

func (w *walker) paste() {
	texts := []string{"garden\n", "secret word \r\n", "a\nb", "\x1b]0;T\x07", "\x1b[2J", "a\tb", "sdb\n", "yes", "\u200b", strings.Repeat("long ", 2000), "\u202e", "x"}
	text := texts[w.r.IntN(len(texts))]
	w.do(fmt.Sprintf("paste %.20q", text), tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: w.r.IntN(3) > 0})
}

func (w *walker) key1(k string) {
	msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
	for t := tea.KeyType(-60); t < 128; t++ {
		if k := (tea.KeyMsg{Type: t}); t != tea.KeyRunes && t != tea.KeySpace && k.String() == string(msg.Runes) {
			msg = k
			break
		}
	}
	if k == "space" {
		msg = tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(" ")}
	}
	w.do(k, msg)
}

func (w *walker) do(what string, msg tea.Msg) {
	w.did = append(w.did, w.w.steps[w.w.at].name+": "+what)
	w.send(msg)
	if w.r.IntN(3) > 0 { // else what was asked for comes later
		w.patient(w.settled)
	}
	w.deliver()
	if !w.w.closing {
		w.judge()
	}
}

func (w *walker) fatal(why string) {
	w.t.Helper()
	last := w.did[max(0, len(w.did)-25):]
	w.t.Fatalf("%s\nafter %s\n%s", why, strings.Join(last, ", "), w.w.View())
}

// judge checks the picture.
func (w *walker) judge() {
	view := w.w.View()
	if w.w.crash != nil {
		w.fatal(fmt.Sprintf("it panicked: %v", w.w.crash))
	}
	lines := strings.Split(view, "\n")
	if len(lines) > w.w.height {
		w.fatal(fmt.Sprintf("%d lines in a window of %d", len(lines), w.w.height))
	}
	for _, l := range lines {
		if lipgloss.Width(l) > w.w.width {
			w.fatal(fmt.Sprintf("a line of %d in a window of %d: %q", lipgloss.Width(l), w.w.width, l))
		}
	}
	if i := strings.IndexFunc(view, func(r rune) bool {
		return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError
	}); i >= 0 {
		w.fatal(fmt.Sprintf("the picture holds %q", view[max(0, i-10):min(len(view), i+10)]))
	}
	if w.w.width < minWidth || w.w.height < minHeight {
		if !strings.HasPrefix(strings.Join(lines, ""), "This window") && w.w.width > 12 {
			w.fatal("a small window says nothing")
		}
		return
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "ctrl+c") {
		w.fatal("the bottom row is not the help")
	}
	if w.r.IntN(4) == 0 {
		w.hints()
	}
}

// hints sees to it that what can be done is on the screen: every paragraph
// that says what to press in a window of any height is there in this one.
func (w *walker) hints() {
	width, height := w.w.width, w.w.height
	scroll := w.w.scroll
	was := w.w.View()
	small := words(was)
	w.send(tea.WindowSizeMsg{Width: width, Height: 300})
	tall := pressed(w.w.View())
	w.send(tea.WindowSizeMsg{Width: width, Height: height})
	w.w.scroll = scroll
	for _, hint := range tall {
		if !strings.Contains(small, hint) {
			w.fatal(fmt.Sprintf("in a window of %d×%d this is not to be seen: %q in\n%s", width, height, hint, was))
		}
	}
}

// pressed are the sentences that say what to press.
func pressed(view string) (out []string) {
	for _, s := range strings.SplitAfter(words(view), ". ") {
		for _, verb := range []string{"Press ", "press ", "Type its ", ", type "} {
			if i := strings.Index(s, verb); i >= 0 {
				s, _, _ = strings.Cut(s[i:]+".", ".")
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// words are those of a picture, without its breaks and the edges of fields.
func words(view string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(view, style.Bar, " ")), " ")
}

// TestAnyWalkThroughTheWizard does anything in any order: 2000 walks as a
// whole.
func TestAnyWalkThroughTheWizard(t *testing.T) {
	walks := whole(10, 2000)
	var pages, steps sync.Map
	t.Cleanup(func() {
		n := 0
		steps.Range(func(_, s any) bool { n += s.(int); return true })
		var seen []string
		pages.Range(func(p, _ any) bool { seen = append(seen, p.(string)); return true })
		t.Logf("%d walks, %d steps, pages seen: %v", walks, n, seen)
	})
	for seed := range uint64(walks) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			w := &walker{world: newWorld(t, r), r: &dice{r: r}}
			w.driver = drive(t, w.hostile())
			defer func() { steps.Store(seed, len(w.did)) }()
			for range 60 {
				if w.act(); w.quit || w.w.closing {
					return
				}
				pages.Store(w.w.steps[w.w.at].name, true)
			}
		})
	}
}
