package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/firstboot/resolver"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/preflight"
)

// here are the checks of this computer.
func (e *Engine) here() []preflight.Check {
	c := preflight.This()
	one := func(name string, look func(context.Context) (string, error)) preflight.Check {
		return preflight.Check{Name: name, Run: func(ctx context.Context) preflight.Finding { return preflight.Found(look(ctx)) }}
	}
	trial := one("test build", c.Trial)
	trial.Last = true
	return []preflight.Check{
		one("nix", c.Nix),
		one("nix service", c.Daemon),
		one("permission", c.Platform),
		{Name: "emulation", Run: func(ctx context.Context) preflight.Finding { return e.emulation(ctx) }},
		one("room", c.Room),
		one("memory", c.Memory),
		one("cache", func(ctx context.Context) (string, error) { return preflight.Cache(ctx, preflight.CacheInfo) }),
		{Name: "names", Run: names},
		one("settings", func(context.Context) (string, error) { return "Your settings can be saved.", writable(e.Store.Dir) }),
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
// wizard finds it all the same, and shows a command that works.
func names(ctx context.Context) preflight.Finding {
	r := resolver.Look(ctx, osrelease.Read("/").Is)
	if r == nil {
		return preflight.Finding{State: preflight.OK, What: "This computer looks up names in .local on the network."}
	}
	return preflight.Finding{
		State: preflight.Warning, What: r.Reason, Command: r.Command, Todo: r.Todo,
		Why: "Without that, you will log in with the address of the Pi, which can change; piwiz shows you how.",
	}
}

// writable says whether this user may write into dir, or into the nearest
// folder above that exists: nothing is made yet.
func writable(dir string) error {
	for {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return &preflight.Problem{
				Headline: "Your settings cannot be saved: " + dir + ": " + err.Error() + ".",
				Why:      "What you answer and the keys of your Raspberry Pi are kept there.",
				Todo:     []string{"Make that folder yours, or choose another: XDG_DATA_HOME=FOLDER piwiz"}, Err: err,
			}
		}
		dir = filepath.Dir(dir)
	}
}

// Check runs the checks of the builder that was chosen, or that will be, side by
// side. The slow ones are asked when all the others are done and none of them
// failed, or if deep. report gets each finding with its place in Checks, one at a
// time; all were reported when Check returns.
func (e *Engine) Check(ctx context.Context, deep bool, report func(i int, f preflight.Finding)) {
	ask(ctx, e.Checks(), deep, report)
}

func ask(ctx context.Context, all []preflight.Check, deep bool, report func(i int, f preflight.Finding)) {
	var mu sync.Mutex
	bad := false
	one := func(i int) func() error {
		return func() error {
			f := all[i].Run(ctx)
			mu.Lock()
			defer mu.Unlock()
			bad = bad || f.State == preflight.Failure
			report(i, f)
			return nil
		}
	}
	var quick sync.WaitGroup
	begin := func(i int) {
		quick.Add(1)
		crash.Go(one(i), func(err error) {
			defer quick.Done()
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			f := preflight.Found("", err)
			f.What, bad = "The check of the "+all[i].Name+" stopped: "+f.What, true
			report(i, f)
		})
	}
	for i, c := range all {
		if !c.Last {
			begin(i)
		}
	}
	quick.Wait()
	skip := bad && !deep
	for i, c := range all {
		switch {
		case !c.Last:
		case skip:
			report(i, preflight.Finding{State: preflight.Skipped, What: "The " + c.Name + " waits until what is missing is fixed."})
		default:
			begin(i)
		}
	}
	quick.Wait()
}
