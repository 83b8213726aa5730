package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
)

func (p *program) buildVerb() *cobra.Command {
	yes, emulator, newKey, said := false, false, false, []string(nil)
	c := verb(&cobra.Command{
		Use: "build HOST|FILE.toml", Short: "Build the image of a saved host, or of a file of answers, which is saved",
		Example: "  piwiz build bach\n  piwiz build ./bach.toml --json\n  piwiz build bach --emulate",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		about, err := e.Host(ctx, args[0])
		if err != nil {
			return err
		}
		ready, err := p.ready(ctx, e, about, newKey)
		if err != nil {
			return err
		}
		s, err := sure(ctx, ready.Saved, args[0], said, e.Answers)
		if err != nil {
			return err
		}
		work := func() error {
			// Nothing is saved before there is something that can build it.
			if err := e.Choose(ctx); err != nil {
				return err
			}
			if err := problems(e.Ask(ctx, ready)).err(); err != nil {
				return err
			}
			for _, n := range s.Host.Notes() {
				p.say("note", map[string]any{"text": n}, "note: "+n)
			}
			if s, err = e.Save(s); err != nil {
				return err
			}
			p.keptNote(s)
			return p.build(ctx, e, s.Host.Name, yes)
		}
		if emulator {
			return e.Emulated(ctx, func(command string) {
				tell("Registering the emulator needs administrator rights: " + command)
			}, work)
		}
		return work()
	}))
	c.Flags().BoolVar(&emulator, "emulate", false, "register QEMU for this build only, if this computer needs it; asks for administrator rights")
	c.Flags().BoolVar(&yes, "yes", false, "build even what takes hours to compile")
	c.Flags().StringArrayVar(&said, "confirm", nil, "confirm the warning with this key, which an earlier run named; may be repeated")
	c.Flags().BoolVar(&newKey, "new-key", false, "make a new host key; computers that know the host will refuse it until their known_hosts is changed")
	return p.ownFlags(c)
}

// keptNote says where the secrets are that were replaced.
func (p *program) keptNote(s hostfile.Saved) {
	if s.Kept != "" {
		p.say("kept", map[string]any{"folder": s.Kept}, "The previous passwords and key are kept in "+s.Kept)
	}
}

// build says what a build will cost, and builds.
func (p *program) build(ctx context.Context, e *engine.Engine, host string, yes bool) error {
	report := func(x follow.Event) {
		g := x.Progress
		p.say("build", map[string]any{"line": x.Line, "derivation": x.Derivation, "stage": g.Stage, "done": g.Done, "expected": g.Expected, "share": g.Share}, x.Line)
	}
	plan, err := e.Plan(ctx, host, report)
	if err != nil {
		return err
	}
	warning, seconds := plan.Warning(), -1.0 // not known
	if plan.Takes >= 0 {
		seconds = plan.Takes.Seconds()
	}
	p.say("plan", map[string]any{
		"builds": plan.Builds, "big": plan.Big, "fetches": plan.Fetches, "download": plan.Download, "seconds": seconds,
		"lines": plan.Lines(), "warning": append([]string{}, warning...),
	}, strings.Join(append(plan.Lines(), warning...), "\n"))
	if len(warning) > 0 && !yes {
		return &engine.Refused{Err: errors.New("nothing was built; add --yes to build it anyway")}
	}
	result, err := e.Build(ctx, host, report)
	if err != nil {
		return err
	}
	p.say("image", map[string]any{"host": host, "image": result.Image, "size": result.Size, "seconds": result.Took.Seconds()},
		fmt.Sprintf("image: %s (%s)", result.Image, disk.Human(result.Size)))
	return nil
}
