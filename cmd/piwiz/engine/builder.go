package engine

import (
	"context"
	"slices"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/preflight"
)

// ownNix are the checks of what only this computer's own Nix needs.
var ownNix = []string{"nix", "nix service", "permission", "emulation", "test build"}

// Checks are those of the builder that was chosen, or that will be.
func (e *Engine) Checks() []preflight.Check {
	all := e.here()
	if e.Builder != "" && e.Builder != "local" {
		all = slices.DeleteFunc(all, func(c preflight.Check) bool { return slices.Contains(ownNix, c.Name) })
		return slices.Insert(all, 0, preflight.Check{Name: "builder", Run: func(ctx context.Context) preflight.Finding {
			b, err := builder.Choose(ctx, e.Builder)
			if err != nil {
				return preflight.Found("", err)
			}
			return preflight.Found(b.String(), nil)
		}})
	}
	for i, c := range all {
		if e.Builder == "" && slices.Contains(ownNix, c.Name) {
			all[i].Run = func(ctx context.Context) preflight.Finding { return e.orElsewhere(ctx, c, c.Run(ctx)) }
		}
	}
	return all
}

// orElsewhere makes a warning of what is missing here where a container can build
// the image: that comes before any command which needs administrator rights. To
// fix it is worth it anyway, for a container begins with an empty store.
func (e *Engine) orElsewhere(ctx context.Context, c preflight.Check, f preflight.Finding) preflight.Finding {
	if c.Last { // nothing but this knows it
		e.boxed.Store(false)
	}
	if f.State != preflight.Failure {
		return f
	}
	b, err := builder.Choose(ctx, "")
	if err == nil && b.Here() && c.Last {
		if b, err = builder.Instead(ctx, trialFailed); err == nil {
			e.boxed.Store(true)
		}
	}
	if err == nil && !b.Here() {
		f.State, f.Why = preflight.Warning, b.String()
	}
	return f
}

// trialFailed is why a container is taken where all seemed well.
const trialFailed = "a test build failed on this computer"

// builder is the builder that the user wants, else the one that works.
func (e *Engine) builder(ctx context.Context) (builder.Builder, error) {
	if e.boxed.Load() {
		return builder.Instead(ctx, trialFailed)
	}
	return builder.Choose(ctx, e.Builder)
}
