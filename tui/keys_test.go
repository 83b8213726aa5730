package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
)

func (d *driver) toKeys() {
	d.t.Helper()
	d.toWifi()
	d.keys("enter", "enter")
	d.on("keys")
	d.patient(d.settled)
}

func newKey(t *testing.T) (public, private string) {
	t.Helper()
	id, err := keypair.ForHost("other")
	if err != nil {
		t.Fatal(err)
	}
	return id.PublicLine(), string(id.Reveal())
}

func (d *driver) paste(text string) {
	d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
}

func TestKeysCanBePastedMarkedAndUnmarkedPastes(t *testing.T) {
	a, _ := newKey(t)
	b, _ := newKey(t)
	for name, paste := range map[string]func(*driver){
		"in one piece":   func(d *driver) { d.paste(a + "\r" + b + "\r"); d.keys("enter") },
		"without an end": func(d *driver) { d.paste(a); d.keys("enter"); d.paste(b); d.keys("enter", "enter") },
		"typed":          func(d *driver) { d.keys(a, "enter", b, "enter", "enter") },
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, engine(t))
			d.toKeys()
			d.keys("p")
			d.sees("Paste one or more public keys")
			paste(d)
			d.sees("me@laptop")
			if got := d.w.logins.lines(); len(got) != 3 || got[1] != a || got[2] != b {
				t.Errorf("%q\n%s", got, d.text())
			}
		})
	}
}

func TestAPastedPrivateKeyIsNeitherShownNorKept(t *testing.T) {
	_, private := newKey(t)
	for name, paste := range map[string]func(*driver){
		"in one piece": func(d *driver) { d.paste(private) },
		"its body":     func(d *driver) { d.paste(strings.Join(strings.Split(private, "\n")[1:], "\n")) },
		"line by line": func(d *driver) {
			for l := range strings.SplitSeq(private, "\n") {
				d.keys(l, "enter")
				if strings.Contains(d.text(), "b3Blb") {
					t.Error("shown")
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, engine(t))
			d.toKeys()
			d.keys("p")
			paste(d)
			d.sees("That was a private key")
			d.lacks("b3Blb")
			if text := fmt.Sprintf("%+v %+v", d.w.page().(*keysPage).more, d.w.logins); strings.Contains(text, "b3Blb") || strings.Contains(text, "PRIVATE") {
				t.Error("it is kept")
			}
			d.pictures("keys-private")
			d.keys("esc")
			d.sees("[x] ssh-ed25519")
			if len(d.w.logins.keys) != 1 {
				t.Error(d.w.logins.keys)
			}
		})
	}
}

func TestWhatIsNoKeyIsSaidAndThePasteGoesOn(t *testing.T) {
	a, _ := newKey(t)
	d := drive(t, engine(t))
	d.toKeys()
	d.keys("p")
	d.paste("https://github.com/alice.keys")
	d.keys("enter")
	d.sees("an address, not a key")
	d.pictures("keys-paste")
	d.paste(a)
	d.keys("enter")
	d.lacks("address")
	d.sees("Added: 1 key")
}

func TestAKeyOfAFileAndAnotherNameForANewKey(t *testing.T) {
	a, _ := newKey(t)
	key, _ := sshkey.ParseLine(a)
	e := engine(t)
	e.ReadKey = func(path string) ([]sshkey.PublicKey, error) {
		if path != "~/k.pub" {
			return nil, errors.New("there is no such file")
		}
		return []sshkey.PublicKey{key}, nil
	}
	var names []string
	e.MakeKey = func(name string) (sshkey.PublicKey, error) {
		if names = append(names, name); name == "id_ed25519" {
			return sshkey.PublicKey{}, fmt.Errorf("x: %w", sshkey.ErrExists)
		}
		b, _ := newKey(t)
		return sshkey.ParseLine(b)
	}
	d := drive(t, e)
	d.toKeys()
	d.keys("f", "~/x", "enter")
	d.sees("there is no such file")
	d.send(tea.KeyMsg{Type: tea.KeyCtrlU})
	d.keys("~/k.pub", "enter")
	d.patient(func() bool { return len(d.w.logins.lines()) == 2 })
	d.keys("m")
	d.sees("What should the new key be called?")
	d.pictures("keys-name")
	d.keys("enter")
	d.patient(func() bool { return len(d.w.logins.lines()) == 3 })
	if got := strings.Join(names, " "); got != "id_ed25519 id_ed25519_pi" {
		t.Error(got)
	}
}

// manyKeys is a computer with keys of every kind and as many notes.
func manyKeys(t *testing.T) Engine {
	e := engine(t)
	found, _ := e.Keys(t.Context(), nixgen.Host{})
	one := found[0]
	e.Keys = func(context.Context, nixgen.Host) ([]sshkey.PublicKey, []error) {
		keys, bad := []sshkey.PublicKey{one}, []error{}
		for i, u := range []sshkey.Use{sshkey.Here, sshkey.Elsewhere, sshkey.Unknown} {
			l, _ := newKey(t)
			k, _ := sshkey.ParseLine(`restrict ` + l)
			k.Use, k.Source, k.Why = u, fmt.Sprint("/home/alice/.ssh/k", i), "ssh does not offer it by itself; log in with: ssh -i /home/alice/.ssh/k"
			keys = append(keys, k)
		}
		for i := range 5 {
			bad = append(bad, sshkey.Problem{File: fmt.Sprintf("/home/alice/.ssh/bad%d.pub", i), Err: errors.New("it is not a file"), Todo: []string{"Run: ls -l"}})
		}
		return keys, bad
	}
	return e
}

func TestNotesAreFoldedAndOnlyAKeyThatLogsInIsMarked(t *testing.T) {
	d := drive(t, manyKeys(t))
	d.toKeys()
	d.send(tea.WindowSizeMsg{Width: 60, Height: 20})
	d.sees("5 notes about your SSH files: press d")
	d.sees("[x] ssh-ed25519")
	d.lacks("bad0.pub")
	d.pictures("keys")
	d.keys("d")
	d.sees("bad0.pub")
	d.keys("esc")
	if got := d.w.logins.lines(); len(got) != 1 || got[0] != keyLine {
		t.Error(got)
	}
	d.keys("space", "enter")
	d.sees("No key is marked")
	d.on("keys")
}
