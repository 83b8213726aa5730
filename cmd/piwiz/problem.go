package main

import (
	"context"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen/hostfile/inspect"
)

// ready is a host with all that its card needs, after what is wrong with it and
// stops nothing was said; else the error is all that is in the way.
func (p *program) ready(ctx context.Context, e *engine.Engine, m engine.Meant, newKey bool) (engine.Readied, error) {
	r := e.Ready(ctx, m, newKey)
	p.name(m.Problems, inspect.Note)
	if r.From != "" && m.Lacks(inspect.NoPassword) {
		p.name(m.Problems, inspect.NoPassword)
		p.say("filled", map[string]any{"from": r.From}, "  It is taken from the networks this computer knows.")
	}
	return r, problems(r.Wrong).err()
}

// name says problems of one kind.
func (p *program) name(problems []inspect.Problem, kind inspect.Kind) {
	for _, x := range problems {
		if x.Kind == kind {
			p.problem("! ", x)
		}
	}
}

// problem says what is wrong with a saved host, and what to do.
func (p *program) problem(mark string, x inspect.Problem) {
	headline, hints := explain(x)
	p.say("problem", map[string]any{"error": headline, "hints": hints, "stops": x.Kind != inspect.Note}, mark+headline+"\n    "+strings.Join(hints, "\n    "))
}
