package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/flash/firstboot/resolver"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/xdg"
)

// all are the checks of this computer.
func (r *round) all() []preflight.Check {
	c, e := preflight.This(), r.e
	one := func(name string, run func(context.Context) (string, error)) preflight.Check {
		return preflight.Check{Name: name, Run: func(ctx context.Context) preflight.Finding { return preflight.Found(run(ctx)) }}
	}
	trial := one("test build", c.Trial)
	trial.Last = true
	return []preflight.Check{
		one("nix", c.Nix),
		one("nix service", c.Daemon),
		one("permission", c.Platform),
		{Name: "emulation", Run: func(ctx context.Context) preflight.Finding { return e.emulation(ctx) }},
		one("room", r.room),
		one("memory", c.Memory),
		one("cache", r.cache),
		{Name: "names", Run: names},
		one("settings", e.settings),
		one("place", func(context.Context) (string, error) { return guessed(), nil }),
		trial,
	}
}

func guessed() string {
	h, country := Guess(), "country not known"
	if h.Country != "" {
		country = "country " + h.Country
	}
	return fmt.Sprintf("Guessed: time zone %s, %s, language %s.", h.TimeZone, country, strings.TrimSuffix(h.Locale, ".UTF-8"))
}

// names says whether ssh will find the Pi by its name. It is a warning: the
// wizard finds it anyway, and shows a command that works.
func names(ctx context.Context) preflight.Finding {
	r := resolver.Inspect(ctx, osrelease.Read("/").Is)
	if r == nil {
		return preflight.Finding{State: preflight.OK, What: "This computer looks up names in .local on the network."}
	}
	return preflight.Finding{
		State: preflight.Warning, What: r.Reason, Command: r.Command, Todo: r.Todo,
		Why: "Without that, you will log in with the address of the Pi, which can change; piwiz shows you how.",
	}
}

// settings says whether what this user answers can be saved. Without a log
// everything works, so that is a warning.
func (e *Engine) settings(context.Context) (string, error) {
	if dir, err := writable(e.Store.Dir); err != nil {
		return "", &preflight.Problem{
			Headline: "Your settings cannot be saved: " + dir + ": " + err.Error() + ".",
			Why:      "Your answers and the keys of your Raspberry Pi are kept there.",
			Todo:     append(durable.Remedy(err, dir), "Or choose another folder: XDG_DATA_HOME=FOLDER piwiz"), Err: err,
		}
	}
	state, err := xdg.State()
	if err != nil {
		return "Your settings can be saved.", nil // there is another reason for that
	}
	if dir, err := writable(state); err != nil {
		return "", &preflight.Problem{
			Headline: "Your settings can be saved, but a log cannot: " + dir + ": " + err.Error() + ".", Warning: true,
			Todo: append(durable.Remedy(err, dir), "Or choose another folder: XDG_STATE_HOME=FOLDER piwiz"), Err: err,
		}
	}
	return "Your settings can be saved.", nil
}

// writable says whether this user may write into a folder, or else into the
// nearest above it that exists, which is named where not: nothing is made yet.
func writable(dir string) (at string, err error) {
	for at = dir; ; at = filepath.Dir(at) {
		err := unix.Access(at, unix.W_OK|unix.X_OK)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return at, err
		}
	}
}
