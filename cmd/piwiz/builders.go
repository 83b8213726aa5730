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
			all[i].Run = func(ctx context.Context) tui.Finding { return orElsewhere(ctx, c.Run(ctx)) }
		}
	}
	return all
}

// orElsewhere makes a warning of what is missing here when the image will not be
// built here: putting it right is worth it, for a container begins with an empty
// store.
func orElsewhere(ctx context.Context, f tui.Finding) tui.Finding {
	if f.State != tui.Failure {
		return f
	}
	if b, err := build.Choose(ctx, ""); err == nil && !b.Here() {
		f.State, f.Why = tui.Warning, b.String()
	}
	return f
}
