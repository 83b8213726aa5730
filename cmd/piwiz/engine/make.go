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

func (e *Engine) request(host string, b builder.Builder) builder.Request {
	return builder.Request{
		Flake: e.Store.Path(host, "flake"), Host: host, OutLink: e.Store.Path(host, "result"),
		LogFile: e.Store.Path(host, "build.log"), Nixpkgs: e.Nixpkgs, Builder: b, State: StateDir(),
	}
}

// Plan says what building the image of a saved host would cost. What the builder
// lacks is fetched first.
func (e *Engine) Plan(ctx context.Context, host string, report func(follow.Event)) (plan builder.Plan, err error) {
	b, err := e.builder(ctx)
	if err != nil {
		return plan, err
	}
	if err = e.fetched(ctx, b, report); err == nil {
		plan, err = builder.DryRun(ctx, e.request(host, b), report)
	}
	e.unless(err)
	return plan, err
}

// unless keeps what was chosen unless it failed.
func (e *Engine) unless(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		e.take(nil)
	}
}

// Build builds the image of a saved host with what its plan was made for, and notes
// what it was built from.
func (e *Engine) Build(ctx context.Context, host string, report func(follow.Event)) (builder.Result, error) {
	b, err := e.builder(ctx)
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
	e.unless(err)
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
	from := image.From{Path: path, Again: "Build it again with: " + again}
	if err := e.bound(h); err != nil {
		return from, err
	}
	from.Grow, err = origin.Grows(e.Store.Path(h.Name))
	return from, err
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
