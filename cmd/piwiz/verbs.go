package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/nixgen/build"
	"piwiz/nixgen/hostfile"
)

func (p *program) renderVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "render HOST|FILE.toml", Short: "Print the Nix files of a host, as they will be built",
		Example: "  piwiz render bach\n  piwiz render ./bach.toml",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := p.host(ctx, e.Store, args[0])
		if err != nil {
			return err
		}
		files, err := e.Files(s.Host)
		if err != nil {
			return err
		}
		for _, f := range files {
			p.file(f)
		}
		return nil
	}))
}

func (p *program) buildVerb() *cobra.Command {
	yes, emulator, newKey, said := false, false, false, []string(nil)
	c := verb(&cobra.Command{
		Use: "build HOST|FILE.toml", Short: "Build the image of a saved host, or of a file of answers, which is saved",
		Example: "  piwiz build bach\n  piwiz build ./bach.toml --json\n  piwiz build bach --emulate",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := p.host(ctx, e.Store, args[0])
		if err != nil {
			return err
		}
		if s, err = p.ready(ctx, e, s, newKey); err != nil {
			return err
		}
		if s, err = sure(s, args[0], said); err != nil {
			return err
		}
		work := func() error {
			// Nothing is saved before there is something that can build it.
			if err := e.Choose(ctx, s.Host.Name); err != nil {
				return err
			}
			if err := free(ctx, s, args[0], said, e.Answers); err != nil {
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
	c.Flags().BoolVar(&emulator, "emulate", false, "register QEMU for this build alone, if this computer needs it; asks for administrator rights")
	c.Flags().BoolVar(&yes, "yes", false, "build even what takes hours to compile")
	c.Flags().StringArrayVar(&said, "confirm", nil, "say yes to what this verb refused with this key; may be given more than once")
	c.Flags().BoolVar(&newKey, "new-key", false, "make a new host key; computers that know the host will refuse it until their known_hosts is changed")
	return c
}

// keptNote says where the secrets are that were replaced.
func (p *program) keptNote(s hostfile.Saved) {
	if s.Kept != "" {
		p.say("kept", map[string]any{"folder": s.Kept}, "The passwords and the key as they were are kept in "+s.Kept)
	}
}

// build says what a build will cost, and builds.
func (p *program) build(ctx context.Context, e *engine.Engine, host string, yes bool) error {
	report := func(x build.Event) {
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
		return &engine.Refused{Err: errors.New("nothing was built; add --yes if that is wanted")}
	}
	result, err := e.Build(ctx, host, report)
	if err != nil {
		return err
	}
	p.say("image", map[string]any{"host": host, "image": result.Image, "size": result.Size, "seconds": result.Took.Seconds()},
		fmt.Sprintf("image: %s (%s)", result.Image, disk.Human(result.Size)))
	return nil
}

func (p *program) cardsVerb() *cobra.Command {
	all := false
	c := verb(&cobra.Command{
		Use: "cards", Short: "List the cards that may be written",
		Example: "  piwiz cards\n  piwiz cards --all",
	}, cobra.NoArgs, p.steps(func(ctx context.Context, e *engine.Engine, _ []string) error {
		found, err := e.Cards(ctx)
		if err != nil {
			return err
		}
		if !all {
			found = slices.DeleteFunc(found, func(d disk.Device) bool { return d.Refusal() != "" })
		}
		for _, d := range found {
			why := d.Refusal()
			text := fmt.Sprintf("%-14s %10s  %s %s  %s", d.Path, disk.Human(d.Size), d.Vendor, d.Model, d.Contents())
			if why != "" {
				text += "\n               not offered: " + why
			}
			p.say("card", map[string]any{
				"path": d.Path, "size": d.Size, "vendor": d.Vendor, "model": d.Model, "serial": d.Serial, "bus": d.Bus,
				"diskseq": d.DiskSeq, "contents": d.Contents(), "refusal": why, "warnings": d.Warnings(),
			}, text)
		}
		if len(found) == 0 {
			p.nothing("There is no card in this computer. `piwiz cards --all` says why its other disks are not offered.")
		}
		return nil
	}))
	p.emmcFlag(c)
	c.Flags().BoolVar(&all, "all", false, "list the disks that are not offered too, with the reason")
	return c
}

func (p *program) waitVerb() *cobra.Command {
	limit := 10 * time.Minute
	c := verb(&cobra.Command{
		Use: "wait HOST", Short: "Wait until HOST.local answers with its own host key, then remember the key",
		Example: "  piwiz wait bach --limit 5m",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := e.Store.Load(args[0])
		if err != nil {
			return err
		}
		if err := s.Usable(hostfile.NoPassword); err != nil {
			return engine.Guarded(err)
		}
		ctx, stop := context.WithTimeout(ctx, limit)
		defer stop()
		last := ""
		r, err := e.Wait(ctx, s, func(x firstboot.Event) {
			if x.Text != last {
				last = x.Text
				p.say("wait", map[string]any{"text": x.Text, "seconds": x.Elapsed.Seconds()}, x.Text)
			}
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s.local did not answer within %s; is the Pi switched on and on the same network as this computer?", s.Host.Name, limit)
		}
		if err != nil {
			return err
		}
		way, err := e.Login(ctx, s, r)
		if err != nil {
			return err
		}
		p.say("found", map[string]any{
			"name": r.Name, "addresses": r.Addrs, "ssh": way.Command, "works": way.Works, "why": append([]string{}, way.Why...), "fix": append([]string{}, way.Fix...),
			"known_hosts": way.Known, "line": way.Line, "file": way.File,
		}, strings.Join(append([]string{r.Name + " answers, with the host key that was made for it."}, way.Text()...), "\n"))
		return nil
	}))
	c.Flags().DurationVar(&limit, "limit", limit, "give up after this long")
	return c
}
