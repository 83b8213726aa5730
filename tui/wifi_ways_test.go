package tui

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/wifi"
)

// knowing is an engine of a computer that knows these networks.
func knowing(t *testing.T, networks ...wifi.Network) Engine {
	e := engine(t)
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return slices.Clone(networks), nil, nil }
	return e
}

func typed(t *testing.T, ssid, password string, security wifi.Security) wifi.Network {
	t.Helper()
	n, err := wifi.Typed(ssid, password, security, false)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answered is what the page leads to, as "NAME kind" of each network.
func (d *driver) answered() string {
	var out []string
	for _, n := range d.w.saved.Host.Networks {
		out = append(out, n.SSID+" "+string(n.Security))
	}
	return strings.Join(out, ", ")
}

func TestOneNameWithAndWithoutAPasswordIsTwoNetworks(t *testing.T) {
	home, open := typed(t, "Home", "correct horse", wifi.WPA2), typed(t, "Home", "", wifi.Open)
	home.Connected, open.Connected = true, true // this computer tells the name only
	for name, networks := range map[string][]wifi.Network{"psk first": {home, open}, "open first": {open, home}} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, knowing(t, networks...))
			d.toWifi()
			d.sees("[x] Home  WPA2") // of the two the one that nobody else can put up
			d.sees("[ ] Home  open")
			d.sees("Only one network of a name")
			d.keys("enter", "enter")
			d.on("keys")
			if got := d.answered(); got != "Home wpa2" || d.w.saved.PSK["Home"] != home.Secret {
				t.Errorf("saved %s", got)
			}
			d.keys("esc")
			if slices.IndexFunc(networks, func(n wifi.Network) bool { return n.Security == wifi.Open }) == 1 {
				d.keys("down")
			}
			d.keys("space") // the open one, and with it the other no longer
			d.sees("[ ] Home  WPA2")
			d.sees("[x] Home  open")
			d.keys("enter", "enter")
			d.on("keys")
			if got := d.answered(); got != "Home open" || len(d.w.saved.PSK) != 0 {
				t.Errorf("saved %s and %d secrets", got, len(d.w.saved.PSK))
			}
			d.keys("esc", "enter", "enter")
			if got := d.answered(); got != "Home open" {
				t.Errorf("kept %s", got)
			}
		})
	}
}

func TestWhatIsSavedAndWhatIsHereMayDifferInKind(t *testing.T) {
	saved := hostfile.Saved{
		Host: nixgen.Host{Name: "bach", Board: nixgen.Pi4, Networks: []nixgen.Network{{SSID: "Home", Security: wifi.WPA2}, {SSID: "New", Security: wifi.WPA3}}},
		PSK:  map[string]wifi.Secret{"Home": typed(t, "Home", "correct horse", wifi.WPA2).Secret, "New": wifi.NewSecret("another one")},
	}
	a := savedNetworks(saved, "bach")
	a.know([]wifi.Network{typed(t, "Home", "", wifi.Open), typed(t, "New", "another one", wifi.WPA2)})
	var got []string
	for _, o := range a.options("bach", true) {
		got = append(got, o.Label+" "+o.Note)
	}
	// The second is known here too, in the other way of joining it.
	if s := strings.Join(got, "|"); s != "Home WPA2, saved with bach; not known here|New WPA3 only, saved with bach|Home open" {
		t.Error(s)
	}
	again := saved
	a.keep(&again)
	if !sameHost(again, saved) {
		t.Errorf("kept %+v", again.Host.Networks)
	}
}

func TestANetworkIsJoinedAsTheUserSays(t *testing.T) {
	home := typed(t, "Home", "correct horse", wifi.WPA2)
	home.Evidence, home.Connected = wifi.SavedSAE, true
	d := drive(t, knowing(t, home))
	d.toWifi()
	d.sees("If your router is set to WPA3 only, press w.")
	d.keys("w")
	d.sees("► [x] Home  WPA3 only")
	d.lacks("press w.")
	d.sees("a Raspberry Pi 4 may fail to join it; a 400")
	d.keys("enter", "enter")
	d.on("keys") // on this board that is a warning
	if got := d.answered(); got != "Home wpa3" || d.w.saved.PSK["Home"].Reveal() != "correct horse" {
		t.Errorf("saved %s", got)
	}
	d.keys("esc")
	d.sees("► [x] Home  WPA3 only")
	d.keys("w", "enter", "enter")
	d.on("keys")
	if got := d.answered(); got != "Home wpa2" || d.w.saved.PSK["Home"] != home.Secret {
		t.Errorf("saved %s", got)
	}
}

func TestAKeyAloneIsNoPasswordForWPA3(t *testing.T) {
	home := typed(t, "Home", strings.Repeat("1f", 32), wifi.WPA2)
	d := drive(t, knowing(t, home, typed(t, "cafe", "", wifi.Open)))
	d.toWifi()
	d.keys("w")
	d.sees("WPA3 needs the password itself")
	d.keys("down", "w", "up", "space", "enter", "w", "backspace", "enter") // w is nothing on an open one, and text in the country
	d.on("keys")
	if got := d.answered(); got != "Home wpa2" {
		t.Errorf("saved %s", got)
	}
}

// The secret of a network may come after the user said how it is joined.
func TestAKeyThatComesLaterIsNoPasswordForWPA3(t *testing.T) {
	for name, c := range map[string]struct{ secret, want string }{
		"password": {"correct horse", "Home wpa3"}, "key": {strings.Repeat("1f", 32), "Home wpa2"},
	} {
		t.Run(name, func(t *testing.T) {
			e := knowing(t, wifi.Network{SSID: "Home", Security: wifi.WPA2, Kept: "u1", From: "NetworkManager", Evidence: wifi.SavedPSK})
			e.AskSecret = func(_ context.Context, n wifi.Network) (wifi.Network, error) { return n.With(c.secret) }
			d := drive(t, e)
			d.toWifi()
			d.keys("w", "enter", "enter")
			if name == "key" {
				d.on("wifi")
				d.sees("WPA3 needs the password itself")
				d.sees("[x] Home  WPA2")
				d.keys("enter", "enter")
			}
			d.on("keys")
			if got := d.answered(); got != c.want {
				t.Errorf("saved %s", got)
			}
		})
	}
}

// A board that most likely cannot join it needs a yes, on this page, where it
// can be changed, and once.
func TestWPA3AloneNeedsAYesOnThisPage(t *testing.T) {
	home := typed(t, "Home", "correct horse", wifi.WPA3)
	home.Connected = true
	for board, downs := range map[nixgen.Board]int{nixgen.Pi3: 1, nixgen.Zero2W: 2} {
		t.Run(string(board), func(t *testing.T) {
			d := drive(t, knowing(t, home))
			d.keys("enter", "enter")
			d.keys(slices.Repeat([]string{"down"}, downs)...)
			d.keys("enter", "bach", "enter", "enter")
			d.on("wifi")
			for _, no := range []string{"enter", "esc", "n"} {
				d.keys("enter", "enter")
				d.on("wifi")
				d.sees("most likely cannot join it")
				d.sees("choose WPA2 and WPA3 together")
				d.sees("cable")
				d.sees("or y to keep it like this")
				d.keys("q", no)
				d.on("wifi")
				d.sees("► [x] Home  WPA3 only")
				if len(d.w.saved.Host.Networks) != 0 {
					t.Fatal("kept before the yes")
				}
			}
			d.keys("enter", "enter", "y")
			d.on("keys")
			if got := d.answered(); got != "Home wpa3" || len(d.w.saved.Host.Doubts()) != 0 {
				t.Errorf("saved %s", got)
			}
			d.keys("esc", "enter", "enter")
			d.on("keys") // a yes is a yes
			d.keys("esc", "w", "enter", "enter")
			d.on("keys")
			d.keys("esc", "w", "enter", "enter", "y")
			d.on("keys")
			d.keys("enter", "enter")
			d.on("build")
			d.lacks("Is this what you want?")
		})
	}
}

// The only network there is gets marked for a new host, so that enter takes it
// and the line shows that before. Unmarked it stays so.
func TestTheOnlyKnownNetworkIsTakenByEnter(t *testing.T) {
	home, cafe := typed(t, "Home", "correct horse", wifi.WPA2), typed(t, "cafe", "", wifi.Open)
	away := home
	home.Connected = true
	for name, c := range map[string]struct {
		known []wifi.Network
		marks string // on the page at first
		keys  string
		want  string
	}{
		"one":                  {[]wifi.Network{away}, "[x] Home", "enter enter", "Home wpa2"},
		"one, unmarked":        {[]wifi.Network{away}, "[x] Home", "space enter enter", ""},
		"one, open":            {[]wifi.Network{cafe}, "[x] cafe", "enter enter", "cafe open"},
		"one name, two kinds":  {[]wifi.Network{typed(t, "Home", "", wifi.Open), away}, "[x] Home  WPA2", "enter enter", "Home wpa2"},
		"two, on one of them":  {[]wifi.Network{home, cafe}, "[x] Home", "enter enter", "Home wpa2"},
		"two, on none of them": {[]wifi.Network{away, cafe}, "► [ ] Home", "enter enter", ""},
		"two, and one is marked": {
			[]wifi.Network{away, cafe},
			"► [ ] Home", "down space enter enter",
			"cafe open",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, knowing(t, c.known...))
			d.toWifi()
			d.sees(c.marks)
			if strings.HasPrefix(c.marks, "►") {
				d.sees("No network is marked: the Pi will need a cable.")
			}
			d.keys(strings.Fields(c.keys)...)
			d.on("keys")
			if got := d.answered(); got != c.want {
				t.Errorf("saved %q, want %q", got, c.want)
			}
			d.keys("esc", "enter", "enter")
			if got := d.answered(); got != c.want {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}

// The path of most people: a new Pi, one known network, one key. Not counted
// are the texts (the name, the user and the confirmation) and the enter that
// ends each of them.
func TestANewPiTakesFewKeys(t *testing.T) {
	home := typed(t, "Home", "correct horse", wifi.WPA2)
	home.Connected = true
	for name, c := range map[string]struct {
		engine func(*Engine)
		most   int
	}{
		"known to NetworkManager":      {func(*Engine) {}, 9},
		"not the one in use":           {func(e *Engine) { *e = knowing(t, typed(t, "Home", "correct horse", wifi.WPA2)) }, 9},
		"known to iwd":                 {func(e *Engine) { private(e, home) }, 10},
		"known to iwd, card of root's": {func(e *Engine) { private(e, home); rootsCard(e) }, 11},
	} {
		t.Run(name, func(t *testing.T) {
			e := knowing(t, home)
			c.engine(&e)
			d := drive(t, e)
			texts, pages := map[string][]string{"hostname": {"bach", ""}, "confirm": {"sdb"}}, map[string]int{}
			counted := 0
			for range 40 {
				d.patient(d.settled)
				where := d.w.steps[d.w.at].name
				if b, ok := d.w.page().(*buildPage); ok && !b.over || where == "write" || where == "wait" {
					d.tick()
					continue
				}
				if where == "done" {
					break
				}
				pages[where]++
				if where == "card" && pages[where] == 2 {
					where = "confirm"
				}
				if left := texts[where]; len(left) > 0 {
					texts[where] = left[1:]
					if left[0] != "" {
						d.keys(left[0])
					}
				} else {
					counted++
				}
				d.keys("enter")
			}
			d.on("done")
			t.Logf("%d keys: %v", counted, pages)
			if counted > c.most {
				t.Errorf("it took %d keys, want %d: %v", counted, c.most, pages)
			}
			if got := d.answered(); got != "Home wpa2" || len(d.w.saved.Host.Keys) != 1 {
				t.Errorf("saved %s, %d keys", got, len(d.w.saved.Host.Keys))
			}
		})
	}
}

// private makes the networks those of files that root alone may read.
func private(e *Engine, n wifi.Network) {
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, fs.ErrPermission }
	e.GrantNetworks = func() WifiGrant { return &worldGrant{world: &world{nets: []wifi.Network{n}}} }
}

type cardOfRoot struct{ command }

func (cardOfRoot) Command() string    { return "sudo piwiz grant open /dev/sdb" }
func (cardOfRoot) Card() flash.Opened { return &memory{} }
func (cardOfRoot) Run() error         { return nil }

func rootsCard(e *Engine) {
	e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return nil, fs.ErrPermission }
	e.GrantCard = func(disk.Device) CardGrant { return cardOfRoot{} }
}

// However much was found where, the list of networks stays in sight.
func TestWhatWasFoundWhereIsFolded(t *testing.T) {
	e := knowing(t, typed(t, "Home", "correct horse", wifi.WPA2))
	read := e.Networks
	var bad []error
	for i := range 9 {
		bad = append(bad, fmt.Errorf("file%d.psk: it is encrypted, and only iwd on this computer can read it", i))
	}
	e.Networks = func(ctx context.Context) ([]wifi.Network, []error, error) {
		known, _, err := read(ctx)
		return known, bad, err
	}
	for _, size := range []tea.WindowSizeMsg{{Width: 60, Height: 20}, {Width: 80, Height: 24}} {
		d := drive(t, e)
		d.send(size)
		d.toWifi()
		d.sees("Known here: NetworkManager 2; iwd: none. Skipped: 9.")
		d.sees("shows details.")
		d.lacks("file0")
		d.sees("► [x] Home")
		d.sees("> DE")
		d.keys("d")
		d.sees("Looked in NetworkManager (over D-Bus): 2 networks.")
		d.sees("► [x] Home")
		d.sees("> DE")
		d.keys("pgdown", "pgdown", "pgdown", "pgdown")
		d.sees("file8")
		d.keys("d")
		d.lacks("Looked in")
	}
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, bad, nil }
	d := drive(t, e)
	d.toWifi()
	d.sees("Looked in iwd: not used on this computer.")
	d.sees("file0")
}
