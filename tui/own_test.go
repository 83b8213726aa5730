package tui

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/preflight"
)

// The lines of the check page where there is no Nix, as the engine words them.
var (
	ownToFetch = preflight.Finding{
		State: preflight.OK, Begins: "begin the download",
		What: "Nix is not installed. That is fine: piwiz uses a copy of its own in /home/alice/.local/share/piwiz/nix. Nothing is installed; 41.7 MB to download.",
	}
	ownReady   = preflight.Finding{State: preflight.OK, What: "piwiz's own Nix 2.35.2 is ready (311.0 MB in /home/alice/.local/share/piwiz/nix)."}
	ownRefused = preflight.Finding{
		State: preflight.Warning, What: "Linux 6.1 cannot run programs for the Raspberry Pi privately: that needs 6.7 or newer.",
		Why:     "The image is built in a container of podman: Nix is not installed on this computer, and piwiz's own Nix cannot run here, but a container can do it.",
		Command: "sudo apt-get install qemu-user-static",
	}
	ownAlone = preflight.Finding{
		State: preflight.Failure, What: "Nix is not installed on this computer, and piwiz's own copy of it cannot run here.",
		Command: "sudo apt-get install qemu-user-static", Todo: []string{"Or install Docker or podman, or Nix: piwiz check --builder local shows how."},
	}
)

// withOwn is the page of a computer where a finding of piwiz's own Nix comes first,
// and what the Nix of this computer lacks does not count. fetched counts the
// downloads that were begun.
func withOwn(t *testing.T, f preflight.Finding) (e Engine, fetched *atomic.Int32) {
	e, fetched = engine(t), new(atomic.Int32)
	never := func(context.Context) bool { return false }
	bad := preflight.Finding{State: preflight.Failure, What: "The Nix service is not running.", Command: "sudo systemctl start nix-daemon"}
	nix, trial := found(bad), found(bad)
	nix.Needed, trial.Needed, trial.Last = never, never, true
	e.Checks = round(found(f), nix, nix, found(preflight.Finding{State: preflight.OK, What: "There is room for the build."}), trial)
	e.Fetch = func() { fetched.Add(1) }
	return e, fetched
}

func TestWithoutNixOneEnterBeginsTheDownload(t *testing.T) {
	for _, c := range []struct {
		name    string
		finding preflight.Finding
		sees    []string
		keys    []string
		fetched int32
	}{
		{"own-to-fetch", ownToFetch, []string{"That is fine", "41.7 MB to download.", "All is well. Press enter to begin the download."}, []string{"enter"}, 1},
		{"own-ready", ownReady, []string{"own Nix 2.35.2 is ready", "All is well. Press enter to go on."}, []string{"enter"}, 1},
		{"own-refused", ownRefused, []string{"Linux 6.1 cannot run", "container of podman", "sudo apt-get install qemu-user-static", "need not stop you. Press enter to go on."}, []string{"enter"}, 1},
		{"own-alone", ownAlone, []string{"cannot run here", "Or install Docker or podman", "Press f to fix"}, []string{"enter", "a"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, fetched := withOwn(t, c.finding)
			d := drive(t, e)
			d.keys("enter")
			d.on("check")
			d.patient(d.settled)
			for _, s := range c.sees {
				if text := strings.Join(strings.Fields(d.text()), " "); !strings.Contains(text, s) {
					t.Errorf("%q is not in\n%s", s, d.text())
				}
			}
			d.lacks("The Nix service")
			d.pictures(c.name)
			if fetched.Load() != 0 {
				t.Error("something was fetched before an enter")
			}
			d.keys(c.keys...)
			d.on("board")
			if fetched.Load() != c.fetched {
				t.Errorf("begun %d times", fetched.Load())
			}
		})
	}
}

// Between what is shown the arrow jumps over what is not.
func TestTheArrowStandsOnlyOnWhatIsShown(t *testing.T) {
	e, _ := withOwn(t, ownRefused)
	d := drive(t, e)
	d.keys("enter")
	d.sees("► ! Linux 6.1")
	d.keys("down")
	d.sees("► √ There is room")
	d.keys("down", "down")
	d.sees("► √ There is room")
	d.keys("up")
	d.sees("► ! Linux 6.1")
	d.keys("up", "up")
	d.sees("► ! Linux 6.1")
	d.keys("f")
	d.sees("sudo apt-get install qemu-user-static")
}

// download is an engine whose plan waits for a download, as the real one does.
func download(t *testing.T, ends <-chan error) (Engine, chan follow.Event) {
	e, events := engine(t), make(chan follow.Event)
	e.Plan = func(ctx context.Context, _ string, report func(follow.Event)) (builder.Plan, error) {
		for {
			select {
			case x := <-events:
				report(x)
			case err := <-ends:
				return builder.Plan{Takes: -1}, err
			case <-ctx.Done():
				return builder.Plan{}, ctx.Err()
			}
		}
	}
	return e, events
}

func TestTheBuildPageWaitsForTheDownload(t *testing.T) {
	ends := make(chan error)
	e, events := download(t, ends)
	d := atBuild(t, e)
	events <- follow.Event{Progress: follow.Progress{Stage: "Nix: 34 of 61 parts, 18.2 of 41.7 MB", Share: 0.436, Left: -1}}
	d.sees("Nix: 34 of 61 parts, 18.2 of 41.7 MB")
	d.sees("44 %")
	d.pictures("build-own-download")
	d.press("esc") // work is not thrown away by a stray key
	d.on("build")

	ends <- builder.Unready(errors.New("cache.nixos.org cannot be reached: no such host"))
	d.sees("could not download its own Nix")
	d.sees("no such host")
	d.sees("go to the page that can fix it (check), r to build again")
	d.pictures("build-own-failure")

	d.keys("r")
	events <- follow.Event{Progress: follow.Progress{Stage: "Nix: 40 of 61 parts, 20.0 of 41.7 MB", Left: -1}}
	d.sees("Nix: 40 of 61 parts")
	ends <- nil
	d.sees("The image is ready")
}

func TestADownloadThatFailedLeadsToTheCheck(t *testing.T) {
	ends := make(chan error, 1)
	ends <- builder.Unready(errors.New("the disk is full"))
	e, _ := download(t, ends)
	d := atBuild(t, e)
	d.sees("the disk is full")
	d.keys("enter")
	d.on("check")
}

func TestLeavingWhileItIsDownloadedAsksAndEndsIt(t *testing.T) {
	e, events := download(t, nil)
	d := atBuild(t, e)
	events <- follow.Event{Progress: follow.Progress{Stage: "Nix: 1 of 61 parts, 0.1 of 41.7 MB", Left: -1}}
	d.sees("Nix: 1 of 61 parts")
	d.send(tea.KeyMsg{Type: tea.KeyCtrlC})
	d.sees("What is already downloaded or built is kept")
	d.press("y")
	d.patient(func() bool { return d.quit })
	if p := d.w.steps[7].page.(*buildPage); !d.quit || p.plan.running() {
		t.Errorf("quit: %v, the plan runs: %v", d.quit, p.plan.running())
	}
}
