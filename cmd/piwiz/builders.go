package main

import (
	"context"
	"slices"

	"piwiz/nixgen/build"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/hostfile"
	"piwiz/tui"
)

// ownNix are the checks of what only this computer's own Nix needs.
var ownNix = []string{"nix", "nix service", "permission", "emulation", "test build"}

// checks are those of the builder that was chosen, or that will be.
func (p *program) checks(store hostfile.Store, r *emulate.Registrar) []tui.Check {
	all := checks(store, r)
	if p.builder != "" && p.builder != "local" {
		all = slices.DeleteFunc(all, func(c tui.Check) bool { return slices.Contains(ownNix, c.Name) })
		return slices.Insert(all, 0, tui.Check{Name: "builder", Run: func(ctx context.Context) tui.Finding {
			b, err := build.Choose(ctx, p.builder)
			return finding(b.String(), err)
		}})
	}
	for i, c := range all {
		if p.builder == "" && slices.Contains(ownNix, c.Name) {
			all[i].Run = func(ctx context.Context) tui.Finding { return p.orElsewhere(ctx, c, c.Run(ctx)) }
		}
	}
	return all
}

// orElsewhere makes a warning of what is missing here where a container can build
// the image: that comes before any command which needs administrator rights. To
// fix it is worth it all the same, for a container begins with an empty store.
func (p *program) orElsewhere(ctx context.Context, c tui.Check, f tui.Finding) tui.Finding {
	if c.Last { // nothing but this knows it
		p.boxed.Store(false)
	}
	if f.State != tui.Failure {
		return f
	}
	b, err := build.Choose(ctx, "")
	if err == nil && b.Here() && c.Last {
		if b, err = build.Instead(ctx, trialFailed); err == nil {
			p.boxed.Store(true)
		}
	}
	if err == nil && !b.Here() {
		f.State, f.Why = tui.Warning, b.String()
	}
	return f
}

// trialFailed is why a container is taken where all seemed well.
const trialFailed = "a test build failed on this computer"

// chosen is the builder that the user wants, else the one that works.
func (p *program) chosen(ctx context.Context) (build.Builder, error) {
	if p.boxed.Load() {
		return build.Instead(ctx, trialFailed)
	}
	return build.Choose(ctx, p.builder)
}
