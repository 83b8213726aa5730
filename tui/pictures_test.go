package tui

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	"golang.org/x/crypto/ssh"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/meter"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/tui/screen"
)

// album has the pictures of a walk: as text in testdata/PAGE.golden, at the usual
// size and the smallest, and for people in the folder that PIWIZ_PICTURES names.
// Read a change of a golden file as a beginner would. UPDATE=1 accepts it.
type album struct {
	*driver
	pages map[string]string // golden file to text
}

func newAlbum(d *driver) *album {
	since = func(time.Time) time.Duration { return 75 * time.Second }
	d.t.Cleanup(func() { since = time.Since })
	if os.Getenv("PIWIZ_PICTURES") != "" {
		lipgloss.SetColorProfile(termenv.ANSI256)
		d.t.Cleanup(func() { lipgloss.SetColorProfile(termenv.Ascii) })
	}
	a := &album{d, map[string]string{}}
	d.passing = func() { a.take("") }
	return a
}

// take pictures the page, in a state when it has several.
func (a *album) take(state string) {
	a.t.Helper()
	a.patient(a.settled)
	page := a.w.steps[a.w.at].name
	for _, size := range []tea.WindowSizeMsg{{Width: 120, Height: 40}, {Width: 60, Height: 20}, {Width: 80, Height: 24}} {
		a.send(size)
		term := screen.Draw(a.w.View(), size.Width, size.Height)
		if dir := os.Getenv("PIWIZ_PICTURES"); dir != "" {
			if err := term.PNG(filepath.Join(dir, fmt.Sprintf("%02d-%s%s-%dx%d.png", a.w.at, page, strings.ReplaceAll(" "+state, " ", "-"), size.Width, size.Height))); err != nil {
				a.t.Error(err)
			}
		}
		rows := strings.Split(a.w.View(), "\n")
		if len(rows) > size.Height {
			a.t.Errorf("%s is %d lines tall in a window of %d", page, len(rows), size.Height)
		}
		if !strings.Contains(rows[len(rows)-1], "ctrl+c") {
			a.t.Errorf("the bottom row of %s is not the help: %q", page, rows[len(rows)-1])
		}
		if size.Width <= usualWidth {
			// Without the trail, which a page more would change in every file.
			text, rest, whole := strings.Cut(term.Text(), "  "+a.w.trail()+"\n")
			if !whole {
				a.t.Errorf("no trail on %s at %d columns", page, size.Width)
			}
			title := strings.TrimSpace(fmt.Sprintf("%dx%d %s", size.Width, size.Height, state))
			a.pages[page+".golden"] += fmt.Sprintf("-- %s --\n%s\n%s\n", title, text, rest)
		}
	}
}

// compare holds the pictures against the golden files.
func (a *album) compare() {
	a.t.Helper()
	for _, s := range a.w.steps {
		if a.pages[s.name+".golden"] == "" {
			a.t.Errorf("no picture of %s", s.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.pages)) {
		golden := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") == "1" {
			if err := os.WriteFile(golden, []byte(a.pages[name]), 0o644); err != nil {
				a.t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || string(want) != a.pages[name] {
			a.t.Errorf("%s differs (%v); run with UPDATE=1 and read the difference:\n%s", golden, err, a.pages[name])
		}
	}
	kept, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		a.t.Fatal(err)
	}
	for _, golden := range kept {
		if a.pages[filepath.Base(golden)] == "" {
			a.t.Errorf("%s is of no page", golden)
		}
	}
}

// theSameKey is a host key that is the same in every run.
func theSameKey(t *testing.T, host string) keypair.Pair {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), "root@"+host)
	if err != nil {
		t.Fatal(err)
	}
	id, err := keypair.Parse(pem.EncodeToMemory(block), "root@"+host)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// working is an engine whose long work waits until it is let go, each time at a
// point of which there is a picture.
func working(t *testing.T) (e Engine, letGo func()) {
	t.Helper()
	e = engine(t)
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) {
		s.Identity, s.Folder = theSameKey(t, s.Host.Name), "~/.local/share/piwiz/hosts/bach"
		return s, nil
	}
	gate := make(chan struct{})
	wait := func(ctx context.Context) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	build, write, look := e.Build, e.Write, e.Wait
	e.Build = func(ctx context.Context, name string, report func(follow.Event)) (builder.Result, error) {
		report(follow.Event{Line: "unpacking sources", Derivation: "linux", Progress: follow.Progress{
			Stage: "building", Since: time.Unix(1, 0), Done: 3, Expected: 12, BytesDone: 800 << 20, BytesExpected: 1200 << 20, Rate: 12e6, Share: 0.37, Left: 20 * time.Minute,
			Now: []follow.Running{{Name: "linux-6.18", Phase: "build", Since: time.Unix(1, 0)}},
		}})
		if err := wait(ctx); err != nil {
			return builder.Result{}, err
		}
		return build(ctx, name, report)
	}
	e.Write = func(ctx context.Context, s hostfile.Saved, c flash.Opened, d disk.Device, report func(flash.Progress)) (flash.Written, error) {
		report(flash.Progress{Stage: meter.Verifying, Done: 1 << 30, Total: 3 << 30, Rate: 41.5e6, Left: 50 * time.Second})
		if err := wait(ctx); err != nil {
			return flash.Written{}, err
		}
		return write(ctx, s, c, d, report)
	}
	e.Wait = func(ctx context.Context, s hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error) {
		report(firstboot.Event{Text: "bach.local is 192.168.1.20, and does not answer there yet."})
		if err := wait(ctx); err != nil {
			return firstboot.Result{}, err
		}
		return look(ctx, s, report)
	}
	return e, func() { gate <- struct{}{} }
}
