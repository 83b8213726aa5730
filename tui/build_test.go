package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/tui/logpane"
)

// atBuild drives to the page of the build.
func atBuild(t *testing.T, e Engine) *driver {
	t.Helper()
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.on("build")
	return d
}

func TestTheCostOfABuildIsSaidBeforeItBegins(t *testing.T) {
	d := atBuild(t, engine(t))
	d.sees("plan: 1 step to build · 340 packages to download, 1.2 GiB")
	d.sees("The image is ready")
}

func TestHoursOfCompilingMustBeConfirmed(t *testing.T) {
	e := engine(t)
	e.Plan = func(context.Context, string, func(follow.Event)) (builder.Plan, error) {
		return builder.Plan{Builds: []string{"linux-rpi-6.12", "piwiz-bach"}, Big: []string{"linux-rpi-6.12"}, Fetches: 3, Download: 1 << 20, Takes: 5 * time.Hour}, nil
	}
	built := 0
	e.Build = func(context.Context, string, func(follow.Event)) (builder.Result, error) {
		built++
		return builder.Result{Image: "/nix/store/x/bach.img"}, nil
	}
	d := atBuild(t, e)
	d.sees("linux-rpi-6.12 would be compiled here")
	d.sees("about 5 h 00")
	d.keys("enter", "x")
	d.on("build")
	d.sees("Press esc to go back")
	d.keys("esc")
	d.on("preview")
	d.keys("enter")
	d.sees("Press esc to go back")
	if built != 0 {
		t.Fatal("it was built without a yes")
	}
	d.keys("y")
	d.sees("The image is ready")
}

func TestAnErrorInTheConfigurationIsShownBeforeAnythingIsBuilt(t *testing.T) {
	e := engine(t)
	e.Plan = func(context.Context, string, func(follow.Event)) (builder.Plan, error) {
		return builder.Plan{}, &builder.Error{Headline: "configuration.nix has an error.", Page: "preview"}
	}
	e.Build = func(context.Context, string, func(follow.Event)) (builder.Result, error) {
		return builder.Result{}, errors.New("built")
	}
	d := atBuild(t, e)
	d.sees("configuration.nix has an error.")
	d.keys("enter")
	d.on("preview")
}

func TestWhileNixIsSilentThePageSaysWhatItIsAt(t *testing.T) {
	g := follow.Progress{Stage: "reading the configuration", Since: time.Now().Add(-75 * time.Second), Share: 0.07, Left: 4 * time.Minute}
	text := drawProgress(g, 80*time.Second, 60)
	for _, want := range []string{"reading the configuration for 1 min 15 s", "1 min 20 s in all", "7 %, about 4 min 00 s left"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestEachStageOfABuildIsSeenAndStaysWithinTheWindow(t *testing.T) {
	e, stages, ended := engine(t), make(chan follow.Event), make(chan error)
	e.Build = func(ctx context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
		for {
			select {
			case s := <-stages:
				report(s)
			case err := <-ended:
				return builder.Result{}, err
			case <-ctx.Done():
				return builder.Result{}, ctx.Err()
			}
		}
	}
	d := atBuild(t, e)
	d.sees("plan: ")
	ago := func(s int) time.Time { return time.Now().Add(time.Duration(-s) * time.Second) }
	for _, s := range []struct {
		name, line string
		g          follow.Progress
		want       []string
	}{
		{
			"evaluation", "evaluating derivation 'path:/home/alice/.local/share/piwiz/hosts/bach/flake#nixosConfigurations.bach'",
			follow.Progress{Stage: "reading the configuration", Since: ago(12), Left: -1, Share: 0.02},
			[]string{"reading the configuration for 12 s", "2 %"},
		},
		{
			"download", "fetching linux-6.18.2",
			follow.Progress{Stage: "fetching", Since: ago(40), Left: 4 * time.Minute, Share: 0.31, ToFetch: 412, Fetched: 120, BytesDone: 310 << 20, BytesExpected: 1 << 30, Rate: 6 << 20, Expected: 31},
			[]string{"about 4 min 00 s left", "310.0 MiB of 1.0 GiB downloaded, 6.0 MiB/s", "0 of 31 steps built"},
		},
		{
			"build", "Compressing the boot files with zstd",
			follow.Progress{
				Stage: "building", Since: ago(95), Left: 70 * time.Second, Share: 0.83, Done: 28, Expected: 31, BytesDone: 1 << 30, BytesExpected: 1 << 30, Running: 2,
				Now:   []follow.Running{{Name: "initrd-linux-6.18.2", Phase: "buildPhase", Since: ago(64)}, {Name: "etc-fstab", Since: ago(2)}},
				Waits: []string{"nixos-system-bach waits for initrd-linux-6.18.2"},
			},
			[]string{"initrd-linux-6.18.2 1 min 04 s (buildPhase)", "etc-fstab 2 s", "28 of 31 steps built", "1.0 GiB of 1.0 GiB downloaded"},
		},
	} {
		stages <- follow.Event{Line: s.line, Progress: s.g}
		for _, w := range s.want {
			d.sees(w)
		}
		d.pictures("build-" + s.name)
	}
	ended <- &builder.Error{
		Headline: "An option in configuration.nix does not exist.", Why: "configuration.nix:7: there is no option `services.opensh`.", Page: "preview",
	}
	d.sees("configuration.nix:7")
	d.pictures("build-failure")
}

// hinted is an error with things to do.
type hinted struct {
	error
	fault.Todo
}

// TestAnUnknownFailureNeedsNoScrolling: on 80×24 its cause, its last lines and
// what to do are in sight at once, with the log below.
func TestAnUnknownFailureNeedsNoScrolling(t *testing.T) {
	s := &state{window: window{width: 80, height: 24}}
	var log []string
	for i := range 30 {
		log = append(log, fmt.Sprintf("line %d of what it said", i))
	}
	drv := "/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-linux-6.18.2.drv"
	p := &buildPage{over: true, pane: logpane.New(), err: hinted{
		&builder.Error{Headline: "Building linux-6.18.2 failed.", Why: "builder for '" + drv + "' failed with exit code 1", LogTail: log},
		[]string{"Its full log: nix-store --read-log " + drv, "The full log: less '/home/me/.cache/piwiz/bach/build.log'"},
	}}
	view := p.view(s, 76, 20)
	if n := lipgloss.Height(view); s.tall || n > 20 || !strings.Contains(view, "line 29") || !strings.Contains(view, "build.log") {
		t.Errorf("%d lines, scrolls: %v\n%s", n, s.tall, view)
	}
}

// All that must be changed is told at once and before anything is asked, also of
// a host that was saved with it.
func TestWhatMustBeChangedIsToldBeforeAnyQuestion(t *testing.T) {
	e := engine(t)
	e.Save = func(s hostfile.Saved) (hostfile.Saved, error) {
		t.Error("it was saved")
		return s, nil
	}
	d := drive(t, e)
	d.toPreview()
	h := &d.w.saved.Host
	h.Board, h.Networks, h.User, h.Locale = nixgen.Zero2W, nil, "root", "de" // the first two need a yes
	d.keys("enter")
	d.on("build")
	d.sees("user: NixOS already has a user")
	d.sees("locale: ")
	if strings.Contains(d.w.View(), "network port") {
		t.Errorf("a question as well:\n%s", d.w.View())
	}
	d.keys("y", "r")
	d.sees("user: NixOS already has a user")
	h.User, h.Locale = "alice", "de_DE.UTF-8"
	d.keys("r")
	d.sees("network port")
}
