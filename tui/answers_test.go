package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// savedBach is a host whose networks and keys this computer does not know,
// but for one network of which it has another password.
func savedBach(t *testing.T) hostfile.Saved {
	t.Helper()
	id, err := keypair.ForHost("root@bach")
	if err != nil {
		t.Fatal(err)
	}
	other, err := keypair.ForHost("me@office")
	if err != nil {
		t.Fatal(err)
	}
	return hostfile.Saved{
		Host: nixgen.Host{
			Name: "bach", Board: nixgen.Zero2W, User: "bob", Country: "FR", HostKey: id.PublicLine(),
			Keys:     []string{"restrict " + other.PublicLine()},
			Networks: []nixgen.Network{{SSID: "attic", Security: wifi.WPA2, Hidden: true}, {SSID: "Home Net", Security: wifi.WPA2}},
		},
		PSK:      map[string]wifi.Secret{"attic": wifi.NewSecret(strings.Repeat("0a", 32)), "Home Net": wifi.NewSecret(strings.Repeat("0b", 32))},
		Identity: id,
	}
}

// replacing is an engine with that host and a plan that fails.
func replacing(t *testing.T, h hostfile.Saved) Engine {
	e := engine(t)
	e.Hosts = func() ([]hostfile.Saved, []error, error) { return []hostfile.Saved{h}, nil, nil }
	e.Plan = func(context.Context, string, func(follow.Event)) (builder.Plan, error) {
		return builder.Plan{}, &builder.Error{Headline: "no plan", Page: "hostname"}
	}
	return e
}

func TestAFailingPlanAndAFewEntersKeepEverythingThatIsSaved(t *testing.T) {
	h := savedBach(t)
	d := drive(t, replacing(t, h))
	d.keys("down", "enter")
	d.sees("no plan")
	d.keys("enter", "enter", "enter")
	d.on("wifi")
	d.sees("[x] attic  WPA2, saved with bach; not known here")
	d.sees("[x] Home Net  WPA2, with the password saved with bach")
	d.sees("[ ] Home Net  WPA2, with the password of this computer")
	d.keys("enter", "enter")
	d.on("keys")
	d.sees("me@office")
	d.sees("saved with bach; not on this computer")
	d.keys("enter")
	d.on("preview")
	if !sameHost(d.w.saved, h) {
		t.Errorf("got  %+v %v\nwant %+v %v", d.w.saved.Host, secretsOf(d.w.saved), h.Host, secretsOf(h))
	}
}

func TestWhatIsSavedIsThereToBeMarkedAgain(t *testing.T) {
	h := savedBach(t)
	d := drive(t, replacing(t, h))
	d.keys("down", "enter")
	d.sees("no plan")
	d.keys("enter", "enter", "enter")
	d.on("wifi")
	d.keys("space", "enter", "enter")
	d.on("keys")
	if n := d.w.saved.Host.Networks; len(n) != 1 || n[0].SSID != "Home Net" {
		t.Fatalf("saved %v", n)
	}
	d.keys("esc")
	d.sees("[ ] attic")
	d.keys("space", "enter", "enter")
	d.on("keys")
	if !sameHost(d.w.saved, h) {
		t.Errorf("got  %+v %v", d.w.saved.Host, secretsOf(d.w.saved))
	}
}

func TestThePasswordOfThisComputerTakesThePlaceOfTheSavedOneOnlyWhenMarked(t *testing.T) {
	d := drive(t, replacing(t, savedBach(t)))
	d.keys("down", "enter")
	d.sees("no plan")
	d.keys("enter", "enter", "enter", "down", "down", "space")
	d.sees("[ ] Home Net  WPA2, with the password saved with bach")
	d.sees("[x] Home Net  WPA2, with the password of this computer")
	d.keys("enter", "enter")
	here, _ := wifi.PSK("correct horse", "Home Net")
	if got := d.w.saved.PSK["Home Net"].Reveal(); got != here.Reveal() || len(d.w.saved.Host.Networks) != 2 {
		t.Errorf("%v %v", d.w.saved.Host.Networks, secretsOf(d.w.saved))
	}
}

func TestASavedNetworkWithoutAPasswordIsSaidBeforeTheBuild(t *testing.T) {
	h := savedBach(t)
	delete(h.PSK, "attic")
	d := drive(t, replacing(t, h))
	d.w.takeSaved(h)
	d.w.replace = false
	d.w.turn("wifi", nil)
	d.run(d.w.show())
	d.sees("attic  WPA2, but its password is missing")
	d.keys("enter", "enter")
	d.on("wifi")
	d.sees("The password of attic is missing")
	d.ctrlT()
	d.sees("attic") // only its password has to be typed
	d.keys("enter", "enter", "correct horse", "enter", "enter")
	d.sees("[x] attic  WPA2, typed in")
	d.keys("enter", "enter")
	d.on("keys")
}

func TestABoardThatThisPiwizDoesNotKnowIsNotReplaced(t *testing.T) {
	h := savedBach(t)
	h.Host.Board = "cm9"
	d := drive(t, replacing(t, h))
	d.w.takeSaved(h)
	d.w.turn("board", nil)
	d.sees("► Board cm9")
	d.keys("enter")
	d.on("board")
	if d.w.saved.Host.Board != "cm9" {
		t.Errorf("board %s", d.w.saved.Host.Board)
	}
}

func TestTheAnswersOfOneHostAreNotAnothers(t *testing.T) {
	d := drive(t, replacing(t, savedBach(t)))
	d.toWifi2("anna")
	d.sees("[x] Home Net")
	d.lacks("attic")
	for range 4 {
		d.keys("esc")
	}
	d.on("welcome")
	d.keys("down", "enter")
	d.sees("no plan")
	d.keys("esc")
	d.on("welcome")
	d.keys("up", "enter", "enter", "enter")
	d.on("hostname")
	d.sees("> anna")
	d.keys("enter", "enter")
	d.on("wifi")
	d.lacks("attic")
}

// toWifi2 answers what comes before the Wi-Fi page for a host of another name.
func (d *driver) toWifi2(name string) {
	d.t.Helper()
	d.keys("enter", "enter", "enter", name, "enter", "enter")
	d.on("wifi")
}

func TestAnUnmarkedNetworkStaysSoWhateverIsOpenedAndClosed(t *testing.T) {
	d := drive(t, engine(t))
	d.toWifi()
	d.sees("[x] Home Net")
	d.keys("space")
	d.sees("[ ] Home Net")
	d.ctrlT()
	d.keys("garden", "esc")
	d.sees("[ ] Home Net")
	d.keys("esc")
	d.on("hostname")
	d.keys("enter", "enter")
	d.on("wifi")
	d.sees("[ ] Home Net")
	d.keys("enter", "enter")
	d.on("keys")
	if len(d.w.saved.Host.Networks)+len(d.w.saved.PSK) != 0 {
		t.Errorf("saved %v", d.w.saved.Host.Networks)
	}
}

func TestWhatWasTypedSurvivesEsc(t *testing.T) {
	d := drive(t, engine(t))
	d.toWifi()
	d.keys("enter", "ctrl+u", "it")
	d.ctrlT()
	d.keys("garden", "enter", "enter", "secret word")
	d.keys("esc")
	d.sees("> it")
	d.keys("esc")
	d.on("hostname")
	d.keys("x", "enter", "y", "esc")
	d.on("board")
	d.keys("down", "esc")
	d.on("check")
	d.keys("enter")
	d.sees("► Raspberry Pi 3")
	d.keys("enter")
	d.sees("> bachx")
	d.sees("> alicey")
	d.keys("enter", "enter")
	d.on("wifi")
	d.sees("> it")
	d.ctrlT()
	d.sees("> garden")
	d.keys("enter", "enter", "enter", "enter")
	d.sees("[x] garden")
	want, _ := wifi.PSK("secret word", "garden")
	if got := d.w.wifi.offers[0].Secret; got.Reveal() != want.Reveal() {
		t.Error("the password of the draft is another")
	}
	d.keys("enter", "enter")
	d.on("keys")
	if h := d.w.saved.Host; h.Country != "IT" || h.Name != "bachx" || h.User != "alicey" || h.Board != nixgen.Pi3 {
		t.Errorf("%+v", h)
	}
}

func TestABlankAtAnEdgeIsAskedAboutAndKeptOnlyOnAYes(t *testing.T) {
	for _, c := range []struct {
		ssid, secret string
		keys         []string
		asks         []string
		name, word   string
	}{
		{"garden", "secret word ", []string{"y"}, []string{"The password ends in a space. Keep it?"}, "garden", "secret word "},
		{"garden", "secret word ", []string{"n"}, []string{"The password ends in a space. Keep it?"}, "garden", "secret word"},
		{"garden", " secret word", []string{"enter"}, []string{"The password begins with a space. Keep it?"}, "garden", "secret word"},
		{" garden ", " secret word", []string{"y", "y"}, []string{"The name of the network begins and ends with a space.", "The password begins with a space."}, " garden ", " secret word"},
		{"gar\u00a0den", "secret word", []string{"n"}, []string{"contains a character that cannot be seen"}, "gar den", "secret word"},
		{"gar\u200bden", "secret word", []string{"y"}, []string{"contains a character that cannot be seen"}, "gar\u200bden", "secret word"},
		{"\u2764\ufe0f", "secret word", nil, nil, "\u2764\ufe0f", "secret word"},
	} {
		t.Run(fmt.Sprintf("%q %q %v", c.ssid, c.secret, c.keys), func(t *testing.T) {
			d := drive(t, engine(t))
			d.toWifi()
			d.ctrlT()
			d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(c.ssid + "\n"), Paste: true})
			d.keys("enter", "enter")
			d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(c.secret + "\r\n"), Paste: true})
			d.keys("enter", "enter")
			for i, asks := range c.asks {
				d.sees(asks)
				d.keys("x") // is no answer
				d.sees(asks)
				d.keys(c.keys[i])
			}
			d.sees("Which Wi-Fi networks?")
			want, _ := wifi.PSK(c.word, c.name)
			if got := d.w.wifi.offers[0]; got.SSID != c.name || got.Secret.Reveal() != want.Reveal() {
				t.Errorf("took %q, want %q with %q", got.SSID, c.name, c.word)
			}
		})
	}
}

func TestADoubtCanBeAnsweredByGoingBackToTheForm(t *testing.T) {
	d := drive(t, engine(t))
	d.toWifi()
	d.ctrlT()
	d.keys("garden ", "enter", "enter", "secret word", "enter", "enter")
	d.sees("Keep it?")
	d.keys("esc")
	d.sees("> garden")
	d.keys("esc")
	d.sees("Which Wi-Fi networks?")
}

func TestAnUnmarkedKeyIsNotMarkedAgainAndOneThatIsMadeIsMadeOnce(t *testing.T) {
	e := engine(t)
	found, _ := e.Keys(t.Context(), nixgen.Host{})
	d := drive(t, e)
	d.toWifi()
	d.keys("enter", "enter")
	d.on("keys")
	d.sees("[x] ssh-ed25519")
	d.keys("space", "enter")
	d.on("keys")
	d.keys("esc")
	d.on("wifi")
	d.keys("enter", "enter")
	d.on("keys")
	d.sees("[ ] ssh-ed25519")

	made := 0
	e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) { return nil, nil }
	e.MakeKey = func(string) (sshkey.PublicKey, error) {
		if made++; made > 1 {
			return sshkey.PublicKey{}, errors.New("there is one already")
		}
		return found[0], nil
	}
	d = drive(t, e)
	d.toWifi()
	d.keys("enter", "enter")
	d.on("keys")
	d.patient(d.settled)
	d.press("mm")
	d.sees("[x] ssh-ed25519")
	d.lacks("already")
}

func TestTheWayBackFromTheCardLeadsPastTheBuild(t *testing.T) {
	h := savedBach(t)
	e := replacing(t, h)
	built := 0
	e.Plan = func(context.Context, string, func(follow.Event)) (builder.Plan, error) { return builder.Plan{}, nil }
	e.Build = func(context.Context, string, func(follow.Event)) (builder.Result, error) {
		built++
		return builder.Result{Image: "/x.img"}, nil
	}
	d := drive(t, e)
	d.keys("down", "enter")
	d.on("card")
	d.keys("esc")
	d.on("build")
	d.sees("The image is ready")
	d.keys("esc")
	d.on("welcome")
	d.sees("► Replace the dead card of bach")
	if built != 1 {
		t.Errorf("built %d times", built)
	}
	d.keys("enter")
	d.on("card")
}

func TestARenamedHostIsFoundAgainUnderItsNewName(t *testing.T) {
	h := savedBach(t)
	e := replacing(t, h)
	disk := []hostfile.Saved{h}
	e.Hosts = func() ([]hostfile.Saved, []error, error) { return disk, nil, nil }
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) {
		s.Identity, _ = keypair.ForHost("root@" + s.Host.Name)
		disk = []hostfile.Saved{s, h}
		return s, nil
	}
	d := drive(t, e)
	d.w.takeSaved(h)
	d.begin("hostname")
	d.keys("ctrl+u", "anna", "enter", "enter")
	d.on("wifi")
	if !d.w.saved.Identity.IsZero() {
		t.Error("anna has the key of bach")
	}
	d.keys("enter", "enter", "enter", "enter")
	d.sees("no plan")
	for range 6 {
		d.keys("esc")
	}
	d.keys("esc")
	d.on("welcome")
	d.sees("► Replace the dead card of anna")
	d.keys("down", "enter")
	d.sees("no plan")
	if !sameHost(d.w.saved, d.w.drafts["bach"].saved) || d.w.saved.Host.Name != "bach" {
		t.Errorf("not bach as it is saved: %+v", d.w.saved.Host)
	}
}

func TestAQuestionIsNotAnsweredByMakingTheWindowLarger(t *testing.T) {
	e, asked := engine(t), 0
	e.Answers = func(context.Context, string) []string {
		if asked++; asked > 1 {
			return nil
		}
		return []string{"10.0.0.7"}
	}
	d := drive(t, e)
	d.keys("enter", "enter", "enter", "bach", "enter", "enter")
	d.sees("10.0.0.7")
	d.send(tea.WindowSizeMsg{Width: 90, Height: 30})
	d.sees("10.0.0.7")
	if asked > 1 {
		t.Error("it was asked again")
	}
}

func TestAHostWithALostKeyIsNotAskedWhetherItIsItself(t *testing.T) {
	h := savedBach(t)
	h.Identity = keypair.Pair{}
	d := drive(t, replacing(t, h))
	d.w.takeSaved(h)
	d.begin("hostname")
	d.keys("enter", "enter")
	d.on("wifi")
}
