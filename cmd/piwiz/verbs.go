package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/nixgen"
	"piwiz/nixgen/build"
	"piwiz/nixgen/hostfile"
)

func (p *program) renderVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "render HOST|FILE.toml", Short: "Print the Nix files of a host, as they will be built",
		Example: "  piwiz render bach\n  piwiz render ./bach.toml",
	}, cobra.ExactArgs(1), stored(func(ctx context.Context, store hostfile.Store, args []string) error {
		s, err := p.host(ctx, store, args[0])
		if err != nil {
			return err
		}
		files, err := nixgen.Files(s.Host)
		if err != nil {
			return err
		}
		for _, f := range ownAsItIs(store, s.Host.Name, files) {
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
	}, cobra.ExactArgs(1), stored(func(ctx context.Context, store hostfile.Store, args []string) error {
		s, err := p.host(ctx, store, args[0])
		if err != nil {
			return err
		}
		if s, err = p.ready(s, newKey); err != nil {
			return err
		}
		if s, err = sure(s, args[0], said); err != nil {
			return err
		}
		work := func() error {
			// Nothing is saved before there is something that can build it.
			r, err := p.request(ctx, store, s.Host.Name)
			if err != nil {
				return err
			}
			if err := free(ctx, s, args[0], said, answers); err != nil {
				return err
			}
			for _, n := range s.Host.Notes() {
				p.say("note", map[string]any{"text": n}, "note: "+n)
			}
			if s, err = keep(store, s); err != nil {
				return err
			}
			p.keptNote(s)
			return p.build(ctx, store, r, yes)
		}
		if emulator {
			return emulated(ctx, work)
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
func (p *program) build(ctx context.Context, store hostfile.Store, r build.Request, yes bool) error {
	report := func(e build.Event) {
		g := e.Progress
		p.say("build", map[string]any{"line": e.Line, "derivation": e.Derivation, "stage": g.Stage, "done": g.Done, "expected": g.Expected, "share": g.Share}, e.Line)
	}
	plan, err := build.Ahead(ctx, r, report)
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
		return &exit{refused, errors.New("nothing was built; add --yes if that is wanted")}
	}
	result, err := makeImage(ctx, store, r, report)
	if err != nil {
		return err
	}
	p.say("image", map[string]any{"host": r.Host, "image": result.Image, "size": result.Size, "seconds": result.Took.Seconds()},
		fmt.Sprintf("image: %s (%s)", result.Image, disk.Human(result.Size)))
	return nil
}

func (p *program) cardsVerb() *cobra.Command {
	all := false
	c := verb(&cobra.Command{
		Use: "cards", Short: "List the cards that may be written",
		Example: "  piwiz cards\n  piwiz cards --all",
	}, cobra.NoArgs, func(ctx context.Context, _ []string) error {
		found, err := p.cards(ctx)
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
	})
	p.emmcFlag(c)
	c.Flags().BoolVar(&all, "all", false, "list the disks that are not offered too, with the reason")
	return c
}

func (p *program) waitVerb() *cobra.Command {
	limit := 10 * time.Minute
	c := verb(&cobra.Command{
		Use: "wait HOST", Short: "Wait until HOST.local answers with its own host key, then remember the key",
		Example: "  piwiz wait bach --limit 5m",
	}, cobra.ExactArgs(1), stored(func(ctx context.Context, store hostfile.Store, args []string) error {
		s, err := store.Load(args[0])
		if err != nil {
			return err
		}
		if err := s.Usable(hostfile.NoPassword); err != nil {
			return coded(err)
		}
		ctx, stop := context.WithTimeout(ctx, limit)
		defer stop()
		last := ""
		r, err := waitFor(ctx, s, func(e firstboot.Event) {
			if e.Text != last {
				last = e.Text
				p.say("wait", map[string]any{"text": e.Text, "seconds": e.Elapsed.Seconds()}, e.Text)
			}
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s.local did not answer within %s; is the Pi switched on and on the same network as this computer?", s.Host.Name, limit)
		}
		if err != nil {
			return err
		}
		way, err := logIn(ctx, s, r)
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
