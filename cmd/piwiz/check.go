package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/crash"
	"piwiz/nixgen/preflight"
	"piwiz/tui"
)

func (p *program) checkVerb() *cobra.Command {
	deep := false
	c := verb(&cobra.Command{
		Use: "check", Short: "Say whether this computer can build the image, and what is missing",
		Example: "  piwiz check\n  piwiz check --deep --json",
	}, cobra.NoArgs, p.steps(func(ctx context.Context, e *engine.Engine, _ []string) error {
		bad, next := 0, 0
		all := e.Checks()
		found := make([]*preflight.Finding, len(all))
		preflight.Ask(ctx, all, deep, crash.Go, func(i int, f preflight.Finding) {
			if f.State == preflight.Failure {
				bad++
			}
			found[i] = &f
			for ; next < len(all) && found[next] != nil && ctx.Err() == nil; next++ { // in their order
				if found[next].State != preflight.Unneeded {
					p.finding(all[next].Name, *found[next])
				}
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if bad > 0 {
			return tui.NotReady{Missing: bad}
		}
		return nil
	}))
	c.Flags().BoolVar(&deep, "deep", false, "try a test build even when something else is missing")
	return p.ownFlags(c)
}

// finding prints what a check found out.
func (p *program) finding(name string, f preflight.Finding) {
	p.say("check", map[string]any{
		"name": name, "state": f.State, "what": f.What, "why": f.Why, "todo": append([]string{}, f.Todo...), "command": f.Command,
	}, lines(f))
}

func lines(f preflight.Finding) string {
	sign := map[preflight.State]string{preflight.OK: "ok      ", preflight.Warning: "WARNING ", preflight.Failure: "MISSING ", preflight.Skipped: "        "}[f.State]
	out := []string{f.What}
	if f.Why != "" {
		out = append(out, strings.Split(f.Why, "\n")...)
	}
	if f.Command != "" {
		out = append(out, "Run: "+f.Command)
	}
	out = append(out, f.Todo...)
	return sign + strings.Join(out, "\n        ")
}
