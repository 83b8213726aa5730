package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// world is a computer with saved hosts, networks and keys, on which anything
// may fail.
type world struct {
	r     *rand.Rand
	disk  map[string]hostfile.Saved
	nets  []wifi.Network
	keys  []sshkey.PublicKey
	fails map[string]error
	saves atomic.Int32
	given bool // some answer was given: a saved host may be another than it was
	t     *testing.T
}

// mayFail are the engine's functions that may fail.
var mayFail = []string{"", "networks", "locked", "refused", "keys", "make", "save", "plan", "build", "cards", "open", "write", "wait"}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{t: t, r: r, disk: map[string]hostfile.Saved{}, fails: map[string]error{}}
	for i := range 1 + r.IntN(5) {
		w.nets = append(w.nets, w.network(fmt.Sprintf("net %d", i)))
	}
	w.nets[0].Connected = r.IntN(2) == 0
	for i := range r.IntN(4) {
		w.keys = append(w.keys, w.key(fmt.Sprintf("me%d@here", i), ""))
	}
	for _, name := range []string{"bach", "anna"}[:r.IntN(3)] {
		w.disk[name] = w.host(name)
	}
	return w
}

func (w *world) network(ssid string) wifi.Network {
	security, secret := []wifi.Security{wifi.WPA2, wifi.WPA3, wifi.Open}[w.r.IntN(3)], fmt.Sprintf("%064x", w.r.Uint64())
	hidden := w.r.IntN(3) == 0
	switch {
	case security == wifi.Open:
		secret = ""
	case security == wifi.WPA3 || w.r.IntN(2) == 0:
		secret = secret[50:]
	}
	n, err := wifi.Typed(ssid, secret, security, hidden)
	if err != nil {
		w.t.Fatal(err)
	}
	if security == wifi.WPA2 && w.r.IntN(3) == 0 {
		n.Evidence = wifi.SavedSAE
	}
	return n
}

func (w *world) key(comment, options string) sshkey.PublicKey {
	id, err := keypair.ForHost("x")
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := sshkey.ParseLine(options + strings.Join(strings.Fields(id.PublicLine())[:2], " ") + " " + comment)
	if err != nil {
		w.t.Fatal(err)
	}
	k.Use = sshkey.Offered
	return k
}

// host is a saved one: of its networks and keys this computer knows some, some
// with another password, others not at all.
func (w *world) host(name string) hostfile.Saved {
	id, err := keypair.ForHost("root@" + name)
	if err != nil {
		w.t.Fatal(err)
	}
	h := hostfile.Saved{
		Host:     nixgen.Host{Name: name, Board: nixgen.Pi3, User: "bob", Country: "FR", TimeZone: "Europe/Paris", Locale: "fr_FR.UTF-8", Keymap: "fr", HostKey: id.PublicLine()},
		Identity: id, PSK: map[string]wifi.Secret{},
	}
	for i := range w.r.IntN(5) {
		n := w.network(fmt.Sprintf("far %d", i))
		switch w.r.IntN(3) {
		case 0:
			n = w.nets[w.r.IntN(len(w.nets))]
		case 1:
			n.SSID = w.nets[w.r.IntN(len(w.nets))].SSID
		}
		if !slices.ContainsFunc(h.Host.Networks, func(o nixgen.Network) bool { return o.SSID == n.SSID }) {
			h.Host.Networks = append(h.Host.Networks, nixgen.Network{SSID: n.SSID, Security: n.Security, Hidden: w.r.IntN(2) == 0})
			if n.Security != wifi.Open {
				h.PSK[n.SSID] = n.Secret
			}
		}
	}
	options := []string{"", "restrict ", `from="10.0.0.0/8",command="echo \"hi\"" `}
	for i := range 1 + w.r.IntN(3) {
		k := w.key(fmt.Sprintf("me%d@far", i), options[w.r.IntN(3)])
		if len(w.keys) > 0 && w.r.IntN(2) == 0 { // one of this computer, but for its options
			k.Line = options[w.r.IntN(3)] + w.keys[w.r.IntN(len(w.keys))].Line
		}
		h.Host.Keys = append(h.Host.Keys, k.Line)
	}
	return h
}

func (w *world) fail(what string) error { return w.fails[what] }

func (w *world) engine() Engine {
	e := engine(w.t)
	e.Hosts = func() ([]hostfile.Saved, []error, error) {
		var out []hostfile.Saved
		for _, name := range []string{"anna", "bach", "carl", "dora"} {
			if h, ok := w.disk[name]; ok {
				out = append(out, h)
			}
		}
		return out, nil, nil
	}
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) {
		switch {
		case w.fail("networks") != nil:
			return nil, nil, w.fail("networks")
		case w.fail("locked") != nil || w.fail("refused") != nil:
			return nil, nil, fs.ErrPermission
		}
		return w.nets, nil, nil
	}
	e.GrantNetworks = func() WifiGrant { return &worldGrant{world: w} }
	e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) {
		if err := w.fail("keys"); err != nil {
			return nil, []error{err}
		}
		return w.keys, nil
	}
	e.MakeKey = func(string) (sshkey.PublicKey, error) {
		if err := w.fail("make"); err != nil {
			return sshkey.PublicKey{}, err
		}
		k := w.key("made@here", "")
		w.keys = append(w.keys, k)
		return k, nil
	}
	e.Save = func(h hostfile.Saved) (hostfile.Saved, error) {
		w.saves.Add(1)
		if err := w.fail("save"); err != nil {
			return h, err
		}
		if h.Identity.IsZero() {
			h.Identity, _ = keypair.ForHost("root@" + h.Host.Name)
		}
		h.Host.HostKey = h.Identity.PublicLine()
		w.disk[h.Host.Name] = h
		return h, nil
	}
	e.Plan = func(context.Context, string, func(follow.Event)) (builder.Plan, error) {
		return builder.Plan{Takes: -1}, w.fail("plan")
	}
	e.Build = func(context.Context, string, func(follow.Event)) (builder.Result, error) {
		return builder.Result{Image: "/x.img"}, w.fail("build")
	}
	e.Cards = func(context.Context) ([]disk.Device, error) { return []disk.Device{sdb}, w.fail("cards") }
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return &memory{}, w.fail("open") }
	e.Write = func(context.Context, hostfile.Saved, flash.Opened, disk.Device, func(flash.Progress)) (flash.Written, error) {
		return flash.Written{}, w.fail("write")
	}
	return e
}

type worldGrant struct {
	command
	world *world
}

func (g *worldGrant) Command() string                     { return "sudo piwiz grant wifi" }
func (g *worldGrant) Run() error                          { return g.world.fail("refused") }
func (g *worldGrant) Networks() ([]wifi.Network, []error) { return g.world.nets, nil }

// execution opens Bubble Tea's message that runs a command on the terminal.
func execution(msg tea.Msg) (run func() tea.Msg, ok bool) {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Struct || v.Type().Name() != "execMsg" {
		return nil, false
	}
	open := reflect.New(v.Type()).Elem()
	open.Set(v)
	field := func(name string) any {
		f := open.FieldByName(name)
		return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().Interface()
	}
	cmd, then := field("cmd").(tea.ExecCommand), field("fn").(tea.ExecCallback)
	return func() tea.Msg { return then(cmd.Run()) }, true
}

// step presses a key, gives its effect time, and sees to it that nothing is
// saved before the build begins.
func (w *world) step(d *driver, key string) string {
	from, saves := d.w.steps[d.w.at].name, w.saves.Load()
	d.keys(key)
	d.patient(d.settled)
	to := d.w.steps[d.w.at].name
	if from != "build" && to != "build" && w.saves.Load() != saves && !d.w.replace {
		w.t.Errorf("saved between %s and %s", from, to)
	}
	return to
}

// answer answers the page that is shown in some way that leads on.
func (w *world) answer(d *driver) {
	w.given = true
	switch page := d.w.steps[d.w.at].name; page {
	case "board":
		for range w.r.IntN(3) {
			w.step(d, []string{"up", "j"}[w.r.IntN(2)])
		}
		if p := d.w.page().(*boardPage); p.boards[p.cursor].Refused != "" {
			w.step(d, "home")
			for range 9 {
				w.step(d, "up")
			}
		}
	case "hostname":
		if w.r.IntN(2) == 0 || d.w.saved.Host.Name == "" {
			d.keys("ctrl+u", []string{"bach", "anna", "carl", "dora"}[w.r.IntN(4)])
		}
		if w.r.IntN(3) == 0 {
			d.keys("enter", "x")
		}
	case "wifi":
		w.answerWifi(d)
	case "keys":
		for range w.r.IntN(6) {
			w.step(d, []string{"down", "space", "up"}[w.r.IntN(3)])
		}
	}
	w.onward(d)
}

func (w *world) answerWifi(d *driver) {
	if d.w.page().(*wifiPage).locked() {
		w.step(d, []string{"enter", "n"}[w.r.IntN(2)])
	}
	for range w.r.IntN(8) {
		if key := []string{"down", "space", "up", "w"}[w.r.IntN(4)]; key != "w" || d.w.page().(*wifiPage).onList(d.w.state) {
			w.step(d, key)
		}
	}
	if w.r.IntN(2) == 0 {
		d.ctrlT()
		if d.w.page().(*wifiPage).typed == nil {
			w.t.Fatalf("ctrl+t does nothing:\n%s", d.text())
		}
		ssid := []string{"net 0", "far 0", "garden", " edge"}[w.r.IntN(4)]
		d.keys(ssid, "enter", "enter", "correct horse"+[]string{"", " "}[w.r.IntN(2)], "enter", "enter")
		for d.w.page().(*wifiPage).typed != nil {
			w.step(d, []string{"y", "n"}[w.r.IntN(2)])
		}
	}
	if w.r.IntN(3) == 0 && len(d.w.wifi.offers) > 0 {
		d.keys("enter", "ctrl+u", []string{"it", "US"}[w.r.IntN(2)])
	}
}

// onward presses enter until the page is another.
func (w *world) onward(d *driver) {
	at := d.w.at
	if d.w.steps[at].name == "keys" && len(d.w.logins.lines()) == 0 { // somebody must be able to log in
		delete(w.fails, "make")
		w.step(d, []string{"space", "m"}[max(0, 1-len(d.w.logins.keys))])
	}
	for range 12 {
		key := "enter"
		if p, ok := d.w.page().(*wifiPage); ok && p.doubts != nil {
			key = "y"
		}
		if w.step(d, key); d.w.at != at {
			return
		}
	}
	w.t.Fatalf("enter does not lead on:\n%s", d.text())
}

// toBuild goes forward to the end of the build, answering or by enter alone,
// and to the end of the story where nothing fails.
func (w *world) toBuild(d *driver, answering bool) {
	for range 20 {
		switch page := d.w.steps[d.w.at].name; {
		case page == "build":
			if p := d.w.page().(*buildPage); len(p.doubts) > 0 {
				w.step(d, "y")
			}
			d.tick()
			return
		case page == "card" || page == "write" || page == "wait" || page == "done":
			return
		case answering || d.w.saved.Host.Name == "" && page != "welcome":
			w.answer(d)
		default:
			w.onward(d)
		}
	}
	w.t.Fatalf("never at the build:\n%s", d.text())
}

// toWelcome goes back to the first page.
func (w *world) toWelcome(d *driver) {
	for range 30 {
		if d.w.steps[d.w.at].name == "welcome" {
			return
		}
		if w.step(d, "esc") == "build" {
			d.tick()
		}
	}
	w.t.Fatalf("esc does not lead back:\n%s", d.text())
}

// TestBackAndForwardWithEnterOnlyIsTheSameHost answers in any way, lets
// anything fail, goes back to the first page and forward with enter only.
func TestBackAndForwardWithEnterOnlyIsTheSameHost(t *testing.T) {
	worlds := whole(30, 1000)
	t.Cleanup(func() { t.Logf("%d computers, three times forward, back and forward on each", worlds) })
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, r)
			d := drive(t, w.engine())
			for range min(r.IntN(2*len(w.disk)+1), len(w.disk)) {
				d.keys("down")
			}
			before := maps.Clone(w.disk)
			for round := range 3 {
				w.fails = map[string]error{}
				for range r.IntN(4) {
					what := mayFail[r.IntN(len(mayFail))]
					if r.IntN(2) == 0 {
						what = []string{"save", "plan", "build"}[r.IntN(3)]
					}
					w.fails[what] = &builder.Error{Headline: what + " fails.", Page: []string{"", "check", "wifi", "keys", "board", "hostname"}[r.IntN(6)]}
				}
				if w.fails["locked"] != nil {
					w.fails["locked"] = errors.New("locked")
				}
				w.toBuild(d, round > 1 || r.IntN(3) == 0)
				if b, ok := d.w.page().(*buildPage); ok && b.over && b.err != nil && r.IntN(4) > 0 {
					w.step(d, "enter") // to the page that can fix it
					w.toBuild(d, r.IntN(2) == 0)
				}
				want := d.w.saved
				if !w.given && d.w.origin != "" {
					want = before[d.w.origin]
				}
				w.toWelcome(d)
				w.toBuild(d, false)
				got := d.w.saved
				if want.Identity.IsZero() {
					got.Identity, got.Host.HostKey = want.Identity, want.Host.HostKey
				}
				if !sameHost(got, want) {
					t.Fatalf("round %d, failing %v\ngot  %+v %v\nwant %+v %v", round, w.fails, got.Host, secretsOf(got), want.Host, secretsOf(want))
				}
				w.toWelcome(d)
			}
		})
	}
}

// whole is how many times a sweep is made: a sample of it, or all of it when
// PIWIZ_SWEEP is set, as .ci/sweep does.
func whole(sample, all int) int {
	if os.Getenv("PIWIZ_SWEEP") != "" {
		return all
	}
	return sample
}
