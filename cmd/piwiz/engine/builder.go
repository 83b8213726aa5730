package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"piwiz/nixgen/builder"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/preflight"
)

// Choose chooses what builds an image: the builder that the user wants, else the one
// that works. It is an error if there is none. The choice is for this run, until a
// plan or a build fails or the checks are made again: then what was missing may be
// there.
func (e *Engine) Choose(ctx context.Context) error {
	_, err := e.builder(ctx)
	return err
}

// builder is what was chosen, else what is chosen now.
func (e *Engine) builder(ctx context.Context) (builder.Builder, error) {
	e.mu.Lock()
	b := e.chosen
	e.mu.Unlock()
	if b != nil {
		return b, nil
	}
	c, err := e.choose(ctx)
	return c.Builder, err
}

func (e *Engine) choose(ctx context.Context) (c builder.Chosen, err error) {
	if e.failing.Load() {
		c, err = builder.Instead(ctx, e.own(), trialFailed)
	} else {
		c, err = builder.Choose(ctx, builder.Wish{Builder: e.Builder, Own: e.own()})
	}
	if err == nil {
		e.take(c.Builder)
	}
	return c, err
}

// take notes what was chosen; nil is nothing any more.
func (e *Engine) take(b builder.Builder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.chosen = b
}

// trialFailed is why another builder is taken where all seemed well.
const trialFailed = "a test build failed on this computer"

// ofNixHere are the checks of what only this computer's own Nix needs.
var ofNixHere = []string{"nix", "nix service", "permission", "emulation", "test build"}

// Checks are those of one round: what builds is chosen in it, once, and what
// another builder would need is not told.
func (e *Engine) Checks() []preflight.Check {
	e.take(nil)
	e.failing.Store(false)
	r := &round{e: e}
	all := r.all()
	for i, c := range all {
		if slices.Contains(ofNixHere, c.Name) {
			all[i].Needed = r.here
			all[i].Run = func(ctx context.Context) preflight.Finding { return r.orElsewhere(ctx, c, c.Run(ctx)) }
		}
	}
	return slices.Insert(all, 0, preflight.Check{Name: "builder", Needed: r.elsewhere, Run: r.builder})
}

// round is one round of checks.
type round struct {
	e      *Engine
	once   sync.Once
	chosen builder.Chosen
	err    error
}

// choice is what builds, chosen once. All that ask have the same context.
func (r *round) choice(ctx context.Context) (builder.Chosen, error) {
	r.once.Do(func() { r.chosen, r.err = r.e.choose(ctx) })
	return r.chosen, r.err
}

// here says whether what the Nix of this computer lacks is to be told: it builds,
// or it would with the fewest changes, or is better than the container that does.
func (r *round) here(ctx context.Context) bool {
	if wish := r.e.Builder; wish != "" {
		return wish == "local"
	}
	c, err := r.choice(ctx)
	if err != nil {
		return c.NotOwn == nil || !errors.Is(c.NotHere, nix.ErrNotFound)
	}
	return c.Here() || c.NotOwn == nil && !isOwn(c)
}

// elsewhere says whether there is something to tell about what builds.
func (r *round) elsewhere(ctx context.Context) bool {
	if wish := r.e.Builder; wish != "" {
		return wish != "local"
	}
	c, err := r.choice(ctx)
	return c.NotOwn != nil || err == nil && isOwn(c)
}

// builder says what builds, where it is not simply the Nix of this computer.
func (r *round) builder(ctx context.Context) preflight.Finding {
	c, err := r.choice(ctx)
	if own, ok := c.Builder.(*ownnix.Builder); ok && err == nil {
		return ownFinding(ctx, own, c.NotHere)
	}
	switch {
	case c.NotOwn == nil && err == nil:
		return preflight.Found(c.String(), nil)
	case c.NotOwn == nil:
		return preflight.Found("", err)
	case err != nil && errors.Is(c.NotHere, nix.ErrNotFound):
		return preflight.Found("", err)
	}
	// What is refused does not stop the builder that comes after it.
	f := preflight.Found("", c.NotOwn)
	f.State = preflight.Warning
	if err == nil {
		f.Why = strings.TrimSpace(f.Why + "\n" + c.String())
	}
	return f
}

func isOwn(c builder.Chosen) bool {
	_, own := c.Builder.(*ownnix.Builder)
	return own
}

// own is piwiz's own Nix where that builds.
func (r *round) own(ctx context.Context) (n ownnix.Nix, ok bool) {
	if wish := r.e.Builder; wish != "" && wish != "own" {
		return n, false
	}
	c, err := r.choice(ctx)
	if b, own := c.Builder.(*ownnix.Builder); own && err == nil {
		return b.Nix, true
	}
	return n, false
}

// room is that for what builds.
func (r *round) room(ctx context.Context) (string, error) {
	if n, ok := r.own(ctx); ok {
		return preflight.This().RoomIn(n.Dir, r.e.again("own-nix gc"))
	}
	return preflight.This().Room(ctx)
}

// cache is the first that what builds will ask.
func (r *round) cache(ctx context.Context) (string, error) {
	if n, ok := r.own(ctx); ok && len(n.Caches) > 0 {
		return preflight.Cache(ctx, strings.TrimSuffix(n.Caches[0], "/")+"/nix-cache-info")
	}
	return preflight.Cache(ctx, preflight.CacheInfo)
}

// orElsewhere makes a warning of what is missing here where a container can build
// the image: that comes before any command which needs administrator rights. To
// fix it is worth it anyway, for a container begins with an empty store.
// Where a test build fails, nothing but this knows it.
func (r *round) orElsewhere(ctx context.Context, c preflight.Check, f preflight.Finding) preflight.Finding {
	if f.State != preflight.Failure || r.e.Builder != "" {
		return f
	}
	x, err := r.choice(ctx)
	if err == nil && x.Here() && c.Last {
		r.e.failing.Store(true)
		if x, err = r.e.choose(ctx); err != nil {
			r.e.failing.Store(false)
		}
	}
	if err == nil && !x.Here() {
		f.State, f.Why = preflight.Warning, x.String()
		if own, ok := x.Builder.(*ownnix.Builder); ok {
			if _, ready := own.Nix.Ready(); !ready {
				f.Begins = theDownload
			}
		}
	}
	return f
}
