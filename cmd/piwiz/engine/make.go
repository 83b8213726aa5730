package engine

import (
	"context"
	"errors"
	"fmt"

	"piwiz/flash/image"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile/origin"
)

// Choose chooses what builds an image: the builder that the user wants, else the one
// that works. It is an error if there is none. The next Plan, and Build after it,
// take what was chosen.
func (e *Engine) Choose(ctx context.Context) error {
	b, err := e.builder(ctx)
	if err == nil {
		e.put(&e.next, b)
	}
	return err
}

func (e *Engine) put(place *builder.Builder, b builder.Builder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*place = b
}

// take is what was chosen, once, else what is chosen now: what was missing may be
// there by then.
func (e *Engine) take(ctx context.Context, place *builder.Builder) (builder.Builder, error) {
	e.mu.Lock()
	b := *place
	*place = nil
	e.mu.Unlock()
	if b != nil {
		return b, nil
	}
	return e.builder(ctx)
}

func (e *Engine) request(host string, b builder.Builder) builder.Request {
	return builder.Request{
		Flake: e.Store.Path(host, "flake"), Host: host, OutLink: e.Store.Path(host, "result"),
		LogFile: e.Store.Path(host, "build.log"), Nixpkgs: e.Nixpkgs, Builder: b, State: StateDir(),
	}
}

// Plan says what building the image of a saved host would cost.
func (e *Engine) Plan(ctx context.Context, host string, report func(follow.Event)) (builder.Plan, error) {
	b, err := e.take(ctx, &e.next)
	if err != nil {
		return builder.Plan{}, err
	}
	e.put(&e.planned, b)
	return builder.DryRun(ctx, e.request(host, b), report)
}

// Build builds the image of a saved host with what its plan was made for, and notes
// what it was built from.
func (e *Engine) Build(ctx context.Context, host string, report func(follow.Event)) (builder.Result, error) {
	b, err := e.take(ctx, &e.planned)
	if err != nil {
		return builder.Result{}, err
	}
	s, err := e.Store.Load(host)
	if err != nil {
		return builder.Result{}, err
	}
	from, err := origin.Of(e.Store.Path(s.Host.Name), s.Host) // now: Nix takes the files as they are when it begins
	if err != nil {
		return builder.Result{}, err
	}
	result, err := builder.Image(ctx, e.request(host, b), report)
	if err != nil {
		return result, err
	}
	return result, origin.Bind(e.Store.Path(host), from)
}

// Built is the image of the last build of a host, if it was built from the answers
// as they are.
func (e *Engine) Built(h nixgen.Host) (image.From, error) {
	again := "piwiz build " + h.Name
	path, err := builder.Built(e.Store.Path(h.Name, "result"))
	if err != nil {
		return image.From{}, fmt.Errorf("%s has no image yet; run: %s", h.Name, again)
	}
	return image.From{Path: path, Again: "Build it again with: " + again}, e.bound(h)
}

// bound is a refusal unless the image of a host was built from its answers as
// they are.
func (e *Engine) bound(h nixgen.Host) error {
	err := origin.Bound(e.Store.Path(h.Name), h)
	var other *origin.Other
	if errors.As(err, &other) {
		return &Refused{err}
	}
	return err
}
