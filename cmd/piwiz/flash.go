package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/image"
	"piwiz/flash/meter"
	"piwiz/nixgen/hostfile/inspect"
)

func (p *program) flashVerb() *cobra.Command {
	yes, anyDisk, from := false, false, image.From{}
	c := verb(&cobra.Command{
		Use: "flash HOST DEVICE", Short: "Write the image of a host to a card, with the host's secrets, and verify it",
		Example: "  piwiz flash bach /dev/sdb\n  piwiz flash bach /dev/sdb --yes --json",
	}, cobra.ExactArgs(2), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := e.Store.Load(args[0])
		if err != nil {
			return err
		}
		p.name(s.Problems, inspect.Note)
		var wrong problems
		wrong.add(engine.Guarded(s.Usable()))
		if from.Path != "" || len(wrong) == 0 { // else it has to be built again in any case
			from, err = e.Image(ctx, s.Host, from)
			wrong.add(err)
		}
		if err := wrong.err(); err != nil {
			return err // a card is put in when there is something to write
		}
		d, err := e.Card(ctx, args[1], anyDisk, "piwiz flash "+s.Host.Name)
		if err != nil {
			return err
		}
		if !yes || d.Any {
			if err := confirm(ctx, d); err != nil {
				return err
			}
		}
		card, err := openCard(ctx, e, d)
		if err != nil {
			return err
		}
		r, err := e.Write(ctx, s, from, card, d, p.progress())
		if err != nil {
			return err
		}
		p.say("written", map[string]any{
			"path": d.Path, "bytes": r.Bytes, "seconds": r.Took.Seconds(), "counts": r.Counts,
			"seconds_testing": r.Tested.Seconds(),
			"seconds_writing": r.Wrote.Seconds(), "write_rate": r.WriteRate,
			"seconds_verifying": r.Checked.Seconds(), "verify_rate": r.VerifyRate,
			"seconds_waiting_for_image": r.Waited.Seconds(), "safe_to_remove": r.Ejected,
		},
			fmt.Sprintf("%s is written and verified: %s in %.0f s. %s Put the card into the Pi and switch it on.", d.Path, disk.Human(r.Bytes), r.Took.Seconds(), flash.TakeOut(r.Ejected)))
		return nil
	}))
	p.emmcFlag(c)
	c.Flags().BoolVar(&anyDisk, "any-disk", false, "write the device named on the command line although it does not look like an SD card, such as an SD Express card; never a disk this computer runs from; --yes does not answer its two questions")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask; the device named on the command line is erased")
	c.Flags().StringVar(&from.Path, "image", "", "write this image (.img, or one compressed as .zst, .xz, .gz or .bz2) instead of the one that was built")
	c.Flags().StringVar(&from.SHA256, "sha256", "", "the SHA-256 that the image must have; without it, the one in IMAGE.sha256 next to the image, if that file exists")
	return c
}

// progress reports once a second at most, and at each new stage.
func (p *program) progress() func(flash.Progress) {
	var stage meter.Stage
	var last time.Time
	return func(g flash.Progress) {
		if g.Stage == stage && time.Since(last) < time.Second {
			return
		}
		stage, last = g.Stage, time.Now()
		text := fmt.Sprintf("%-10v %s of %s  %.1f MB/s", g.Stage, disk.Human(g.Done), disk.Human(g.Total), g.Rate/1e6)
		if stall := g.Stall(); stall != "" {
			text = stall
		}
		p.say("progress", map[string]any{
			"stage": fmt.Sprint(g.Stage), "done": g.Done, "total": g.Total, "rate": g.Rate,
			"stalled": g.Stalled.Seconds(), "counts": g.Counts,
		}, text)
	}
}

// openCard opens the card as the ordinary user, else asks for the right to.
func openCard(ctx context.Context, e *engine.Engine, d disk.Device) (flash.Opened, error) {
	c, err := e.Open(ctx, d)
	if !errors.Is(err, fs.ErrPermission) {
		return c, err
	}
	g := e.GrantCard(d)
	if err := g.Able(); err != nil {
		return nil, err
	}
	tell("Opening the card needs administrator rights: " + g.Command())
	g.SetStdout(os.Stderr)
	g.SetStderr(os.Stderr)
	if err := g.Run(); err != nil {
		return nil, err
	}
	return g.Card(), nil
}
