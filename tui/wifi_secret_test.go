package tui

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
)

// kept is an engine whose one known network is kept by NetworkManager; give
// answers the question for its secret.
func kept(t *testing.T, give func(context.Context, wifi.Network) (wifi.Network, error)) Engine {
	e := engine(t)
	e.Networks = func(context.Context) ([]wifi.Network, []error, error) {
		return []wifi.Network{
			{SSID: "attic", Security: wifi.WPA2, Kept: "uuid", From: "NetworkManager", Connected: true},
			{SSID: "other", Security: wifi.WPA2, Kept: "uuid-2", From: "NetworkManager"},
		}, nil, nil
	}
	e.AskSecret = give
	return e
}

func TestOnlyTheSecretOfAChosenNetworkIsAskedFor(t *testing.T) {
	var asked []string
	d := drive(t, kept(t, func(_ context.Context, n wifi.Network) (wifi.Network, error) {
		asked = append(asked, n.SSID)
		return n.With("correct horse")
	}))
	d.toWifi()
	if len(asked) != 0 {
		t.Errorf("asked for %v before anything was chosen", asked)
	}
	d.keys("enter", "enter")
	d.on("keys")
	if h := d.w.saved; strings.Join(asked, " ") != "attic" || len(h.Host.Networks) != 1 || len(h.PSK["attic"].Reveal()) != 64 {
		t.Errorf("asked for %v, saved %+v", asked, h.Host.Networks)
	}
	d.keys("esc")
	d.on("wifi")
	d.keys("enter", "enter")
	d.on("keys")
	if len(asked) != 1 || len(d.w.saved.Host.Networks) != 1 {
		t.Errorf("there and back: asked for %v, saved %+v", asked, d.w.saved.Host.Networks)
	}
}

func TestASecretThatIsRefusedLeadsToAdministratorRights(t *testing.T) {
	e := kept(t, func(_ context.Context, n wifi.Network) (wifi.Network, error) { return n, fs.ErrPermission })
	e.GrantNetworks = func() WifiGrant { return fakeWifiGrant{} }
	d := drive(t, e)
	d.toWifi()
	d.lacks("sudo piwiz grant wifi")
	d.keys("enter", "enter")
	d.sees("sudo piwiz grant wifi")
	d.lacks("What is saved with") // nothing is
	n, _ := wifi.Typed("attic", "correct horse", wifi.WPA2, false)
	n.From, n.Connected = "NetworkManager", true
	d.send(networksRead{[]wifi.Network{n}, nil, nil, true, wifi.Places{}})
	d.keys("enter", "enter")
	d.on("keys")
	if d.w.saved.PSK["attic"].IsZero() || len(d.w.saved.Host.Networks) != 1 {
		t.Errorf("saved %+v", d.w.saved.Host.Networks)
	}
}

func TestASecretThatNobodyHasIsTypedIn(t *testing.T) {
	for name, err := range map[string]error{"no keyring": errors.New("the password is in a keyring"), "refused, and the rights too": fs.ErrPermission} {
		t.Run(name, func(t *testing.T) {
			e := kept(t, func(_ context.Context, n wifi.Network) (wifi.Network, error) { return n, err })
			e.GrantNetworks = func() WifiGrant { return fakeWifiGrant{} }
			d := drive(t, e)
			d.toWifi()
			d.keys("enter", "enter")
			if errors.Is(err, fs.ErrPermission) {
				d.keys("n", "enter", "enter")
			}
			if !errors.Is(err, fs.ErrPermission) {
				d.sees("The password is in a keyring. To go on,")
			}
			d.sees("press ctrl+t")
			d.keys("ctrl+t")
			d.sees("attic")
			d.keys("enter", "enter", "correct horse", "enter", "enter", "enter", "enter")
			d.on("keys")
			if d.w.saved.PSK["attic"].IsZero() {
				t.Errorf("saved %+v", d.w.saved.Host.Networks)
			}
		})
	}
}

func TestTheQuestionForASecretCanBeTakenBack(t *testing.T) {
	stopped := make(chan struct{})
	d := drive(t, kept(t, func(ctx context.Context, n wifi.Network) (wifi.Network, error) {
		<-ctx.Done()
		close(stopped)
		return n, ctx.Err()
	}))
	d.toWifi()
	d.keys("enter", "enter")
	d.sees("Asking NetworkManager for the password of attic")
	d.keys("esc")
	<-stopped
	d.sees("attic")
	d.on("wifi")
}

func TestMoreNetworksAreReadWithAdministratorRightsOnlyWhenWanted(t *testing.T) {
	e := locked(t)
	known := engine(t).Networks
	e.Networks = func(ctx context.Context) ([]wifi.Network, []error, error) {
		found, _, _ := known(ctx)
		return found, nil, fs.ErrPermission
	}
	d := drive(t, e)
	d.toWifi()
	d.lacks("sudo piwiz grant wifi")
	d.sees("ctrl+r")
	d.sees("NetworkManager 2")
	d.keys("ctrl+r")
	d.sees("sudo piwiz grant wifi")
	d.keys("n")
	d.sees("Home Net")
	d.lacks("ctrl+r")
}
