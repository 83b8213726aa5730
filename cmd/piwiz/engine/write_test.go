package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/flash"
	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/image"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/wifi"
)

// bach is a saved host with a network that a piwiz before this one named.
func bach(t *testing.T) (*Engine, hostfile.Saved) {
	t.Helper()
	e := With(hostfile.Store{Dir: t.TempDir()})
	h := nixgen.Host{
		Name: "bach", Board: "4", User: "alice", TimeZone: "Europe/Berlin", Locale: "en_US.UTF-8", Keymap: "us", Country: "DE",
		Keys:     []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice"},
		Networks: []nixgen.Network{{SSID: "Home Net", Security: wifi.WPA2, SecretName: "psk_00"}},
	}
	s, err := e.Save(hostfile.Saved{Host: h, PSK: map[string]wifi.Secret{"Home Net": wifi.NewSecret(strings.Repeat("0f", 32))}})
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// A host that was made before keeps the names of its secrets until its card was
// written, and then has new ones.
func TestTheNamesOfSecretsChangeWithACard(t *testing.T) {
	e, s := bach(t)
	module := func() string {
		t.Helper()
		saved, err := e.Store.Load("bach")
		if err != nil {
			t.Fatal(err)
		}
		files, err := e.Files(saved.Host)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, f := range files {
			text.WriteString(f.Text)
		}
		return text.String()
	}
	if _, err := e.Save(s); err != nil { // a build
		t.Fatal(err)
	}
	if m := module(); !strings.Contains(m, `"ext:psk_00"`) {
		t.Errorf("the running Pi does not know another name:\n%s", m)
	}
	e.settle("bach")
	if m := module(); !strings.Contains(m, `"ext:net_`) || strings.Contains(m, "psk_00") {
		t.Errorf("after a card:\n%s", m)
	}
}

// once counts how often a card is closed.
type once struct {
	flash.Opened
	closed int
}

func (c *once) Close() error { c.closed++; return nil }

func TestACardThatIsNotWrittenIsClosed(t *testing.T) {
	e, s := bach(t)
	file := filepath.Join(t.TempDir(), "cut.img")
	if err := os.WriteFile(file, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	card := &once{}
	if _, err := e.Write(t.Context(), s, image.From{Path: file}, card, disk.Device{Size: 64 << 20}, nil); err == nil || card.closed != 1 {
		t.Errorf("%v, closed %d times", err, card.closed)
	}
}

func TestAPanicWhileWritingSaysWhatTheCardIs(t *testing.T) {
	err := unfinished(crash.Try(func() error { panic("deliberate") }))
	var e *flash.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "deliberate") || !strings.Contains(strings.Join(e.Hints(), " "), "does not boot until it is written again") {
		t.Errorf("%v", err)
	}
	if known := (&flash.Error{What: "x", Offset: -1}); unfinished(known) != error(known) {
		t.Error("an error that says what the card is was changed")
	}
}
