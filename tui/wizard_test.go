package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
	"piwiz/tui/screen"
)

// driver plays the terminal: it runs the commands on the test's own goroutine
// and feeds their messages back. What takes longer is delivered by tick.
type driver struct {
	t       *testing.T
	w       *wizard
	pending []chan tea.Msg // of commands that take their time
	quit    bool
	about   string // page that the test is about, which is not passed
	passing func() // is called on a page that is
	back    bool   // the last key was esc
}

func drive(t *testing.T, e Engine) *driver {
	t.Helper()
	d := &driver{t: t, w: newWizard(context.Background(), e)}
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.run(d.w.Init())
	t.Cleanup(d.w.stopAll)
	return d
}

func (d *driver) send(msg tea.Msg) {
	_, cmd := d.w.Update(msg)
	d.run(cmd)
}

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	select {
	case msg := <-got:
		d.take(msg)
	case <-time.After(50 * time.Millisecond): // a look in a second, work that waits
		d.pending = append(d.pending, got)
	}
}

// The tests' heart beats faster, so that they do.
func init() { heartbeat = 2 * time.Millisecond }

func (d *driver) take(msg tea.Msg) {
	if run, ok := execution(msg); ok {
		d.run(run)
		return
	}
	switch msg := msg.(type) {
	case nil:
	case reply:
		if _, ok := msg.msg.(tick); ok { // it waits for tick, as work may never end
			got := make(chan tea.Msg, 1)
			got <- msg
			d.pending = append(d.pending, got)
			return
		}
		d.send(msg)
	case tea.QuitMsg:
		d.quit = true
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	default:
		d.send(msg)
	}
}

func (d *driver) deliver() {
	now := d.pending
	d.pending = nil
	for _, c := range now {
		select {
		case msg := <-c:
			if a, ok := msg.(reply); ok {
				d.send(a)
				continue
			}
			d.take(msg)
		default:
			d.pending = append(d.pending, c)
		}
	}
}

// tick delivers what is late, heartbeats too, until the page is another or
// its work is over.
func (d *driver) tick() {
	d.t.Helper()
	d.pass()
	at := d.w.at
	for end := time.Now().Add(10 * time.Second); d.w.at == at; time.Sleep(5 * time.Millisecond) {
		d.deliver()
		if b, ok := d.w.page().(*buildPage); ok && b.over {
			return
		}
		if b, ok := d.w.page().(*writePage); ok && b.over {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("nothing happened for 10 s:\n%s", d.w.View())
		}
	}
}

// patient delivers what is late until ok, for at most some seconds.
func (d *driver) patient(ok func() bool) { d.within(5*time.Second, ok) }

// soon is for what should not happen: it is waited for as long as it would
// take.
func (d *driver) soon(ok func() bool) { d.within(100*time.Millisecond, ok) }

func (d *driver) within(long time.Duration, ok func() bool) {
	for end := time.Now().Add(long); !ok() && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		d.deliver()
	}
}

// usual are the pages that the ways of the tests lead over.
var usual = strings.Fields("welcome check board hostname wifi keys preview build card write wait done")

// pass leaves pages that came to the story later, in the direction of the last
// key: only their own tests know them.
func (d *driver) pass() {
	d.t.Helper()
	for range 20 {
		name := d.w.steps[d.w.at].name
		if name == d.about || slices.Contains(usual, name) || d.w.leaving || d.w.closing || d.w.crash != nil {
			return
		}
		if d.passing != nil {
			d.passing()
		}
		if d.back {
			d.press("esc")
		} else {
			d.press("enter")
		}
	}
	d.t.Fatalf("enter and esc do not lead on from page %s\n%s", d.w.steps[d.w.at].name, d.w.View())
}

// begin begins on a page that the test is about.
func (d *driver) begin(page string) {
	d.t.Helper()
	d.about = page
	_, cmd := d.w.turn(move(page), nil)
	d.run(cmd)
	d.on(page)
}

// settled tells whether the page has what it asked for.
func (d *driver) settled() bool {
	switch p := d.w.page().(type) {
	case *checkPage:
		pending, _ := p.count()
		return pending == 0
	case *hostnamePage:
		return !p.asking
	case *wifiPage:
		return p.read
	case *keysPage:
		return p.read && !p.making
	case *cardPage:
		return p.seen && (p.asking == nil || !p.asking.opening)
	}
	return true
}

// keys presses keys as a user does, who sees the page first.
func (d *driver) keys(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		d.pass()
		d.patient(d.settled)
		d.press(k)
	}
	d.pass()
}

// press presses keys at once, as cats do.
func (d *driver) press(keys ...string) {
	for _, k := range keys {
		d.back = k == "esc"
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "enter":
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		case "esc":
			msg = tea.KeyMsg{Type: tea.KeyEsc}
		case "up":
			msg = tea.KeyMsg{Type: tea.KeyUp}
		case "down":
			msg = tea.KeyMsg{Type: tea.KeyDown}
		case "space":
			msg = tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(" ")}
		case "pgdown":
			msg = tea.KeyMsg{Type: tea.KeyPgDown}
		case "backspace":
			msg = tea.KeyMsg{Type: tea.KeyBackspace}
		case "ctrl+u":
			msg = tea.KeyMsg{Type: tea.KeyCtrlU}
		case "ctrl+c":
			msg = tea.KeyMsg{Type: tea.KeyCtrlC}
		case "ctrl+r":
			msg = tea.KeyMsg{Type: tea.KeyCtrlR}
		case "ctrl+t":
			msg = tea.KeyMsg{Type: tea.KeyCtrlT}
		}
		d.send(msg)
	}
}

func (d *driver) on(page string) {
	d.t.Helper()
	d.patient(func() bool { d.pass(); return d.w.steps[d.w.at].name == page })
	if got := d.w.steps[d.w.at].name; got != page {
		d.t.Fatalf("on page %s, want %s\n%s", got, page, d.w.View())
	}
}

func (d *driver) sees(text string) {
	d.t.Helper()
	d.patient(func() bool { d.pass(); return strings.Contains(d.text(), text) })
	if got := d.text(); !strings.Contains(got, text) {
		d.t.Fatalf("%q is not on the screen:\n%s", text, got)
	}
}

func (d *driver) text() string { return screen.Draw(d.w.View(), d.w.width, d.w.height).Text() }

func (d *driver) lacks(text string) {
	d.t.Helper()
	if got := d.text(); strings.Contains(got, text) {
		d.t.Fatalf("%q is still on the screen:\n%s", text, got)
	}
}

var sdb = disk.Device{
	Name: "sdb", Path: "/dev/sdb", Size: 31914983424, Vendor: "Generic-", Model: "SD/MMC", Bus: bus.USB, Removable: true, DiskSeq: 9,
	Partitions: []disk.Partition{{Name: "sdb1", Label: "HOLIDAY", FSType: "vfat", Size: 31914983424 - 4<<20}},
}

type memory struct{ closed int }

func (m *memory) ReadAt([]byte, int64) (int, error)  { return 0, nil }
func (m *memory) WriteAt([]byte, int64) (int, error) { return 0, nil }
func (m *memory) Sync() error                        { return nil }
func (m *memory) Close() error                       { m.closed++; return nil }
func (m *memory) Eject() error                       { return nil }

const keyLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"

// engine is one in which everything works; tests change what they are about.
func engine(t *testing.T) Engine {
	t.Helper()
	key, err := sshkey.ParseLine(keyLine)
	if err != nil {
		t.Fatal(err)
	}
	key.Source, key.Use = "~/.ssh/id_ed25519.pub", sshkey.Offered
	psk, _ := wifi.PSK("correct horse", "Home Net")
	return Engine{
		Hosts:    func() ([]hostfile.Saved, []error, error) { return nil, nil, nil },
		Checks:   round(found(preflight.Finding{State: preflight.OK, What: "Nix 2.26.3 is installed."}), found(preflight.Finding{State: preflight.OK, What: "There is room for the build."})),
		Fetch:    func() {},
		Computer: func() string { return "laptop" },
		Defaults: func() nixgen.Host { return nixgen.Host{User: "alice", Country: "DE", TimeZone: "Europe/Berlin"} },
		Answers:  func(context.Context, string) []string { return nil },
		Networks: func(context.Context) ([]wifi.Network, []error, error) {
			return []wifi.Network{{SSID: "Home Net", Security: wifi.WPA2, Secret: psk, Connected: true}, {SSID: "cafe", Security: wifi.Open}}, nil, nil
		},
		Searched: func() wifi.Places {
			return wifi.Places{Line: "NetworkManager 2; iwd: none", Each: []string{"NetworkManager (over D-Bus): 2 networks", "iwd: not used on this computer"}}
		},
		AskSecret: func(_ context.Context, n wifi.Network) (wifi.Network, error) { return n.With("correct horse") },
		Keys:      func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) { return []sshkey.PublicKey{key}, nil },
		Save:      func(s hostfile.Saved) (hostfile.Saved, error) { return s, nil },
		Preview: func(s hostfile.Saved) ([]nixgen.File, string, error) {
			files, err := nixgen.Files(s.Host)
			return files, "~/.local/share/piwiz/hosts/bach/flake/configuration.nix", err
		},
		Plan: func(context.Context, string, func(follow.Event)) (builder.Plan, error) {
			return builder.Plan{Builds: []string{"piwiz-bach"}, Fetches: 340, Download: 1200 << 20, Takes: -1}, nil
		},
		Build: func(_ context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
			report(follow.Event{Line: "building linux-6.18"})
			return builder.Result{Image: "/nix/store/x/bach.img", Size: 3 << 30, Took: 90 * time.Second}, nil
		},
		Cards: func(context.Context) ([]disk.Device, error) {
			return []disk.Device{sdb, {Name: "nvme0n1", Path: "/dev/nvme0n1", Size: 512e9, Model: "Fast", Bus: bus.NVMe}}, nil
		},
		CardsChanged: func(ctx context.Context) <-chan struct{} {
			c := make(chan struct{})
			context.AfterFunc(ctx, func() { close(c) })
			return c
		},
		Newest: func(context.Context, disk.Device) time.Time { return time.Time{} },
		Open:   func(context.Context, disk.Device) (flash.Opened, error) { return &memory{}, nil },
		Write: func(_ context.Context, _ hostfile.Saved, c flash.Opened, _ disk.Device, _ func(flash.Progress)) (flash.Written, error) {
			return flash.Written{Result: flash.Result{Bytes: 3 << 30}}, c.Close()
		},
		Wait: func(context.Context, hostfile.Saved, func(firstboot.Event)) (firstboot.Result, error) {
			return firstboot.Result{Name: "bach.local"}, nil
		},
		Login: func(context.Context, hostfile.Saved, firstboot.Result) (sshlogin.Way, error) {
			return sshlogin.Way{Command: "ssh alice@bach.local", Works: true, Known: "The key is in ~/.ssh/known_hosts."}, nil
		},
	}
}

// toPreview answers the questions.
func (d *driver) toPreview() {
	d.t.Helper()
	d.keys("enter")
	d.on("check")
	d.keys("enter", "enter")
	d.on("hostname")
	d.keys("bach", "enter", "enter")
	d.on("wifi")
	d.keys("enter", "enter")
	d.on("keys")
	d.keys("enter")
	d.on("preview")
}

func TestTheWholeStoryAndAPictureOfEachPage(t *testing.T) {
	e, letGo := working(t)
	d := drive(t, e)
	pictures := newAlbum(d)
	pictures.take("")
	d.keys("enter")
	d.sees("All is well")
	pictures.take("")
	d.keys("enter")
	pictures.take("")
	d.keys("enter")
	d.keys("bach")
	pictures.take("")
	d.keys("enter", "enter")
	d.sees("Home Net")
	pictures.take("")
	d.keys("enter", "enter")
	d.sees("me@laptop")
	pictures.take("")
	d.keys("enter")
	d.sees(`modulesPath + "/installer/sd-card/sd-image-aarch64.nix"`)
	pictures.take("")
	d.keys("enter")
	d.sees("unpacking sources")
	pictures.take("while it builds")
	letGo()
	d.tick()
	d.sees("The image is ready")
	pictures.take("when it is ready")
	d.keys("enter")
	d.sees("HOLIDAY")
	d.keys("h")
	d.sees("inside this computer")
	d.keys("esc")
	pictures.take("")
	d.keys("enter")
	d.sees("Everything on this card will be erased")
	pictures.take("when one is chosen")
	d.keys("nonsense", "enter")
	d.on("card")
	for range len("nonsense") {
		d.send(tea.KeyMsg{Type: tea.KeyBackspace})
	}
	d.keys("sdb", "enter")
	d.on("write")
	d.sees("MB/s")
	pictures.take("")
	letGo()
	d.tick()
	d.on("wait")
	if got := d.w.farewell(); !strings.Contains(got, "piwiz wait bach") {
		t.Errorf("what stays on the terminal: %q", got)
	}
	d.sees("192.168.1.20")
	pictures.take("")
	letGo()
	d.tick()
	d.on("done")
	d.sees("ssh alice@bach.local")
	pictures.take("")
	pictures.compare()
	d.keys("enter")
	if !d.quit {
		t.Error("enter on the last page does not leave")
	}
	if got := d.w.farewell(); !strings.Contains(got, "ssh alice@bach.local") {
		t.Errorf("what stays on the terminal: %q", got)
	}
}

// A page that comes to the story costs the tests of the others nothing.
func TestAPageMoreIsPassedByTheTestsOfTheOthers(t *testing.T) {
	for at := 1; at < len(usual); at++ {
		d := drive(t, engine(t))
		d.w.steps = slices.Insert(d.w.steps, at, wizardStep{"more", "One more", &boardPage{}, true})
		passed := 0
		d.passing = func() { passed++ }
		d.toPreview()
		d.keys("esc")
		d.on("keys")
		d.keys("enter", "enter")
		d.sees("The image is ready")
		d.keys("enter", "enter", "sdb", "enter")
		d.on("done")
		if passed == 0 {
			t.Errorf("nothing is passed before %s", usual[at])
		}
	}
}

func TestBackKeepsEveryAnswer(t *testing.T) {
	d := drive(t, engine(t))
	d.toPreview()
	want := fmt.Sprint(d.w.saved.Host)
	for _, page := range []string{"keys", "wifi", "hostname", "board", "check", "welcome"} {
		d.keys("esc")
		d.on(page)
	}
	d.keys("enter", "enter", "enter", "enter", "enter", "enter", "enter", "enter")
	d.on("preview")
	if got := fmt.Sprint(d.w.saved.Host); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnotherNameIsAnotherHostWithAnotherKey(t *testing.T) {
	id, _ := keypair.ForHost("old")
	a := answersOf("old", hostfile.Saved{Host: nixgen.Host{Name: "old", HostKey: id.PublicLine()}, Identity: id})
	a.rename("new")
	if !a.saved.Identity.IsZero() || a.saved.Host.HostKey != "" {
		t.Error("the new host has the key of the old one")
	}
	a.rename("old")
	if a.saved.Identity.PublicLine() != id.PublicLine() || a.saved.Host.HostKey != id.PublicLine() {
		t.Error("the old name does not bring its key back")
	}
}

func TestATakenNameIsSaidBeforeItIsUsed(t *testing.T) {
	e := engine(t)
	e.Answers = func(context.Context, string) []string { return []string{"10.0.0.7"} }
	d := drive(t, e)
	d.keys("enter", "enter", "enter", "bach", "enter", "enter")
	d.on("hostname")
	d.sees("10.0.0.7")
	d.sees("switch it off and press")
	d.keys("enter") // a stray one takes nothing
	d.on("hostname")
	d.keys("y")
	d.on("wifi")
}

func TestTheNameOfThisComputerIsNotTaken(t *testing.T) {
	d := drive(t, engine(t))
	d.keys("enter", "enter", "enter", "laptop", "enter")
	d.on("hostname")
	d.sees("this computer already has it")
}

// A mistake that would leave the Pi out of reach is asked about before anything
// is saved, and enter is not a yes.
func TestAnswersThatMayBeAMistakeNeedAYes(t *testing.T) {
	e := engine(t)
	var saved []nixgen.Host
	save := e.Save
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) {
		saved = append(saved, s.Host)
		return save(s)
	}
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, nil }
	d := drive(t, e)
	d.keys("enter", "enter", "down", "down", "enter", "bach", "enter", "enter")
	d.on("wifi")
	d.keys("enter", "enter", "enter")
	d.on("build")
	d.sees("no network port")
	d.sees("Press enter to change the answers, or y")
	if len(saved) > 0 {
		t.Error("saved before the yes")
	}
	d.keys("enter")
	d.on("wifi")
	d.keys("enter", "enter", "enter")
	d.on("build")
	d.keys("esc")
	d.on("preview")
	d.keys("enter", "y")
	d.tick()
	if len(saved) != 1 || len(saved[0].Doubts()) > 0 || len(saved[0].Confirmed) != 1 {
		t.Errorf("%+v", saved)
	}
}

func TestAFailedBuildLeadsToThePageThatCanMendIt(t *testing.T) {
	e := engine(t)
	e.Build = func(context.Context, string, func(follow.Event)) (builder.Result, error) {
		return builder.Result{}, &builder.Error{Headline: "The disk is full.", Page: "check"}
	}
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.sees("The disk is full.")
	d.keys("enter")
	d.on("check")
}

func TestCtrlCAsksWhileWorkIsRunning(t *testing.T) {
	e := engine(t)
	stopped := false
	e.Build = func(ctx context.Context, _ string, _ func(follow.Event)) (builder.Result, error) {
		<-ctx.Done()
		stopped = true
		return builder.Result{}, ctx.Err()
	}
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.sees("plan: ")
	d.keys("ctrl+c")
	d.sees("Leave now?")
	d.keys("n")
	if d.quit || stopped {
		t.Fatal("another key left")
	}
	d.keys("ctrl+c", "y")
	if !d.quit || !stopped {
		t.Error("the build was not stopped before leaving")
	}
}

func TestACardThatIsExchangedMustBeChosenAgain(t *testing.T) {
	e := engine(t)
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter", "enter", "sdb")
	other := sdb
	other.DiskSeq++
	d.send(cardsSeen{[]disk.Device{other}, nil})
	d.sees("Choose it again")
	d.keys("enter", "sdb")
	d.send(cardsSeen{nil, nil})
	d.sees("was taken out")
}

func TestOnlyTheRightNameErasesACard(t *testing.T) {
	e := engine(t)
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) { t.Fatal("opened"); return nil, nil }
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter", "enter", "enter")
	d.sees("That is not sdb. Type sdb")
	d.keys("vda", "enter")
	d.sees("That is not sdb. Type sdb")
	d.keys("ctrl+u", "sd")
	d.lacks("That is not")
	d.keys("c", "enter", "esc")
	d.sees("The card you choose will be erased")
}

func TestWithoutRightsTheCommandIsShownFirst(t *testing.T) {
	e := engine(t)
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return nil, fs.ErrPermission }
	e.GrantCard = func(disk.Device) CardGrant { return fakeGrant{} }
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter", "enter", "sdb", "enter")
	d.on("card")
	d.sees("sudo piwiz grant open")
}

type fakeGrant struct{ tea.ExecCommand }

func (fakeGrant) Command() string    { return "sudo piwiz grant open /dev/sdb" }
func (fakeGrant) Card() flash.Opened { return &memory{} }

func TestAFailedWriteOffersAnotherCard(t *testing.T) {
	e := engine(t)
	e.Write = func(context.Context, hostfile.Saved, flash.Opened, disk.Device, func(flash.Progress)) (flash.Written, error) {
		return flash.Written{}, errors.New("the card has a bad block")
	}
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter", "enter", "sdb", "enter")
	d.on("write")
	d.keys("esc")
	d.on("write")
	d.tick()
	d.sees("bad block")
	d.keys("enter")
	d.on("card")
}

func TestASmallWindowAsksForALargerOne(t *testing.T) {
	d := drive(t, engine(t))
	d.send(tea.WindowSizeMsg{Width: 59, Height: 24})
	d.sees("59×24")
	d.send(tea.WindowSizeMsg{Width: 60, Height: 20})
	d.sees("Set up a new Raspberry Pi")
}

func TestNothingIsSavedBeforeTheBuildBegins(t *testing.T) {
	e := engine(t)
	saves := 0
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) {
		saves++
		s.Kept = "/kept/here"
		return s, nil
	}
	d := drive(t, e)
	d.toPreview()
	d.keys("esc", "esc")
	d.keys("enter", "enter", "enter")
	d.on("preview")
	if saves != 0 {
		t.Errorf("saved %d times before the build", saves)
	}
	d.keys("enter")
	d.tick()
	d.on("build")
	if saves != 1 {
		t.Errorf("saved %d times when the build began", saves)
	}
	if d.w.saved.Kept != "/kept/here" {
		t.Error("the wizard goes on with another host than the saved one")
	}
}
