package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/build"
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
	e.Plan = func(context.Context, string, func(build.Event)) (build.Plan, error) {
		return build.Plan{Builds: []string{"linux-rpi-6.12", "piwiz-bach"}, Big: []string{"linux-rpi-6.12"}, Fetches: 3, Download: 1 << 20, Takes: 5 * time.Hour}, nil
	}
	built := 0
	e.Build = func(context.Context, string, func(build.Event)) (build.Result, error) {
		built++
		return build.Result{Image: "/nix/store/x/bach.img"}, nil
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
	e.Plan = func(context.Context, string, func(build.Event)) (build.Plan, error) {
		return build.Plan{}, &build.Error{Headline: "configuration.nix has an error.", Page: "preview"}
	}
	e.Build = func(context.Context, string, func(build.Event)) (build.Result, error) {
		return build.Result{}, errors.New("built")
	}
	d := atBuild(t, e)
	d.sees("configuration.nix has an error.")
	d.keys("enter")
	d.on("preview")
}

func TestWhileNixIsSilentThePageSaysWhatItIsAt(t *testing.T) {
	g := build.Progress{Stage: "reading the configuration", Since: time.Now().Add(-75 * time.Second), Share: 0.07, Left: 4 * time.Minute}
	text := progressOf(g, 80*time.Second, 60)
	for _, want := range []string{"reading the configuration for 1 min 15 s", "1 min 20 s in all", "7 %, about 4 min 00 s left"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
