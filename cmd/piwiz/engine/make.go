package engine

import (
	"context"
	"errors"
	"fmt"

	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
)

// chosen is what builds the image of a host, for its plan and its build.
type chosen struct {
	builder.Builder
	planned bool
}

// Choose chooses what builds the image of a host: the builder that the user wants,
// else the one that works. It is an error if there is none. The next Plan of the
// host, and Build after it, take what was chosen.
func (e *Engine) Choose(ctx context.Context, host string) error {
	_, err := e.choose(ctx, host, false)
	return err
}

func (e *Engine) choose(ctx context.Context, host string, planned bool) (chosen, error) {
	b, err := e.builder(ctx)
	if err != nil {
		return chosen{}, err
	}
	return e.hold(host, chosen{b, planned}), nil
}

func (e *Engine) hold(host string, c chosen) chosen {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.chosen == nil {
		e.chosen = map[string]chosen{}
	}
	e.chosen[host] = c
	return c
}

func (e *Engine) held(host string) (chosen, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.chosen[host]
	return c, ok
}

func (e *Engine) request(host string, c chosen) builder.Request {
	return builder.Request{
		Flake: e.Store.Path(host, "flake"), Host: host, OutLink: e.Store.Path(host, "result"),
		LogFile: e.Store.Path(host, "build.log"), Nixpkgs: e.Nixpkgs, Builder: c.Builder, State: StateDir(),
	}
}

// Plan says what building the image of a saved host would cost. A host that is
// planned again may be built elsewhere: what was missing may be there by now.
func (e *Engine) Plan(ctx context.Context, host string, report func(follow.Event)) (builder.Plan, error) {
	c, ok := e.held(host)
	if ok && !c.planned {
		e.hold(host, chosen{c.Builder, true})
	} else {
		var err error
		if c, err = e.choose(ctx, host, true); err != nil {
			return builder.Plan{}, err
		}
	}
	return builder.DryRun(ctx, e.request(host, c), report)
}

// Build builds the image of a saved host with what was chosen for its plan, and notes what it
// was built from.
func (e *Engine) Build(ctx context.Context, host string, report func(follow.Event)) (builder.Result, error) {
	c, ok := e.held(host)
	if !ok {
		var err error
		if c, err = e.choose(ctx, host, true); err != nil {
			return builder.Result{}, err
		}
	}
	s, err := e.Store.Load(host)
	if err != nil {
		return builder.Result{}, err
	}
	from, err := e.Store.Origin(s.Host) // now: Nix takes the files as they are when it begins
	if err != nil {
		return builder.Result{}, err
	}
	result, err := builder.Image(ctx, e.request(host, c), report)
	if err != nil {
		return result, err
	}
	return result, e.Store.Bind(host, from)
}

// Built finds the image of the last build of a host, if it was built from the
// answers as they are.
func (e *Engine) Built(h nixgen.Host) (string, error) {
	image, err := builder.Built(e.Store.Path(h.Name, "result"))
	if err != nil {
		return "", fmt.Errorf("%s has no image yet; run: piwiz build %s", h.Name, h.Name)
	}
	return image, e.bound(h)
}

// bound is a refusal unless the image of a host was built from its answers as
// they are.
func (e *Engine) bound(h nixgen.Host) error {
	err := e.Store.Bound(h)
	var other *hostfile.OtherImage
	if errors.As(err, &other) {
		return &Refused{err}
	}
	return err
}
