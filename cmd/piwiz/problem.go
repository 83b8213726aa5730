package main

import (
	"context"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen/hostfile"
)

// ready is a host with all that its card needs, after what is wrong with it and
// stops nothing was said.
func (p *program) ready(ctx context.Context, e *engine.Engine, s hostfile.Saved, newKey bool) (hostfile.Saved, error) {
	ready, from, err := e.Ready(ctx, s, newKey)
	p.name(s.Problems, hostfile.Note)
	if from != "" && s.Lacks(hostfile.NoPassword) {
		p.name(s.Problems, hostfile.NoPassword)
		p.say("filled", map[string]any{"from": from}, "  It is taken from the networks this computer knows.")
	}
	return ready, err
}

// name says problems of one kind.
func (p *program) name(problems []hostfile.Problem, kind hostfile.Kind) {
	for _, x := range problems {
		if x.Kind == kind {
			p.problem("! ", x)
		}
	}
}

// problem says what is wrong with a saved host, and what to do.
func (p *program) problem(mark string, x hostfile.Problem) {
	headline, hints := explain(x)
	p.say("problem", map[string]any{"error": headline, "hints": hints, "stops": x.Kind != hostfile.Note}, mark+headline+"\n    "+strings.Join(hints, "\n    "))
}
