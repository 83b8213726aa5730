package tui

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
	"piwiz/tui/style"
)

func TestANameThatIsSavedAlreadyKeepsItsHostKey(t *testing.T) {
	id, err := keypair.ForHost("bach")
	if err != nil {
		t.Fatal(err)
	}
	e := engine(t)
	e.Hosts = func() ([]hostfile.Saved, []error, error) {
		return []hostfile.Saved{{Host: nixgen.Host{Name: "bach", HostKey: id.PublicLine()}, Identity: id}}, nil, nil
	}
	d := drive(t, e)
	d.keys("enter", "enter", "enter", "bach", "enter", "enter")
	d.on("hostname")
	d.sees("already saved a host called bach")
	d.keys("enter")
	d.on("wifi")
	if got := d.w.saved.Identity.Fingerprint(); got != id.Fingerprint() {
		t.Errorf("the host got another key: %s", got)
	}
	d.keys("esc", "enter", "enter")
	d.on("wifi") // its own answers are no stranger's
}

// toWifi answers what comes before the Wi-Fi page.
func (d *driver) toWifi() {
	d.t.Helper()
	d.keys("enter", "enter", "enter", "bach", "enter", "enter")
	d.on("wifi")
}

func (d *driver) ctrlT() { d.send(tea.KeyMsg{Type: tea.KeyCtrlT}) }

func TestANetworkCanBeTypedInAndItsPasswordIsNotKept(t *testing.T) {
	e := engine(t)
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, nil }
	d := drive(t, e)
	d.toWifi()
	d.sees("This computer knows no Wi-Fi network")
	d.ctrlT()
	d.keys("Home Net", "enter", "enter", "short", "enter", "enter")
	d.sees("8 to 63")
	d.keys("enter", "enter", " horse", "enter", "enter")
	d.sees("Which Wi-Fi networks?")
	d.keys("enter", "enter")
	d.on("keys")
	want, _ := wifi.PSK("short horse", "Home Net")
	if got := d.w.saved.PSK["Home Net"].Reveal(); got != want.Reveal() {
		t.Errorf("the saved key is %q", got)
	}
	if len(d.w.saved.Host.Networks) != 1 || d.w.saved.Host.Networks[0].Security != wifi.WPA2 {
		t.Errorf("saved %+v", d.w.saved.Host.Networks)
	}
}

func TestNoNetworkAtAllIsAnAnswer(t *testing.T) {
	e := engine(t)
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, nil }
	d := drive(t, e)
	d.toWifi()
	d.keys("enter")
	d.on("keys")
	if len(d.w.saved.Host.Networks) != 0 {
		t.Errorf("saved %+v", d.w.saved.Host.Networks)
	}
}

// locked is an engine whose Wi-Fi files are the administrator's.
func locked(t *testing.T) Engine {
	e := engine(t)
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) { return nil, nil, fs.ErrPermission }
	e.GrantNetworks = func() WifiGrant { return fakeWifiGrant{} }
	return e
}

type fakeWifiGrant struct{ tea.ExecCommand }

func (fakeWifiGrant) Command() string { return "sudo piwiz grant wifi" }
func (fakeWifiGrant) Networks() ([]wifi.Network, []error) {
	return []wifi.Network{{SSID: "cellar", Security: wifi.Open}}, []error{errors.New("attic.psk: not readable")}
}

func TestLockedNetworksShowTheCommandAndComeAfterTheGrant(t *testing.T) {
	d := drive(t, locked(t))
	d.toWifi()
	d.sees("sudo piwiz grant wifi")
	// The terminal runs the command; its end is what the page hears.
	known, problems := fakeWifiGrant{}.Networks()
	d.send(networksRead{known, problems, nil, true, wifi.Places{}})
	d.sees("cellar")
	d.sees("Skipped: attic.psk")
}

func TestRefusedRightsAreNotAskedForAgain(t *testing.T) {
	for name, refuse := range map[string]func(*driver){
		"by the user": func(d *driver) { d.keys("n") },
		"by sudo":     func(d *driver) { d.send(networksRead{nil, nil, errors.New("sudo refused"), true, wifi.Places{}}) },
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, locked(t))
			d.toWifi()
			refuse(d)
			d.sees("ctrl+t to type one in")
			d.keys("esc")
			d.on("hostname")
			d.keys("enter", "enter")
			d.on("wifi")
			d.sees("ctrl+t to type one in")
		})
	}
}

func TestWithoutAKeyOneCanBeMade(t *testing.T) {
	e := engine(t)
	key, err := sshkey.ParseLine(keyLine)
	if err != nil {
		t.Fatal(err)
	}
	e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) {
		return nil, []error{errors.New("~/.ssh/broken.pub: not a key")}
	}
	e.MakeKey = func(string) (sshkey.PublicKey, error) { return key, nil }
	d := drive(t, e)
	d.toWifi()
	d.keys("enter", "enter")
	d.on("keys")
	d.sees("broken.pub")
	d.keys("enter")
	d.on("keys") // nobody could log in
	d.keys("m")
	d.sees("me@laptop")
	d.keys("enter")
	d.on("preview")
}

func TestTheUsersOwnFileCannotCommandTheTerminal(t *testing.T) {
	e := engine(t)
	e.Preview = func(hostfile.Saved) ([]nixgen.File, string, error) {
		return []nixgen.File{{Name: "configuration.nix", Once: true, Text: "{ }\n# \x1b]0;owned\x07\x1b[2Jtail\n"}}, "/home/a/configuration.nix", nil
	}
	d := drive(t, e)
	d.toPreview()
	d.sees("tail")
	if v := d.w.View(); strings.Contains(v, "\x1b]0;") || strings.Contains(v, "\x1b[2J") {
		t.Errorf("the view holds the command: %q", v)
	}
}

func TestEnterIsTheLastKeyThatANarrowWindowGivesUp(t *testing.T) {
	d := drive(t, engine(t))
	d.toWifi()
	d.keys("enter", "enter")
	d.send(tea.WindowSizeMsg{Width: 60, Height: 20})
	if f := d.w.footer(56); !strings.Contains(f, style.Key.Render("enter")) || !strings.Contains(f, style.Key.Render("esc")) {
		t.Errorf("footer %q", f)
	}
}
