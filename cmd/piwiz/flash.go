package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"piwiz/flash"
	"piwiz/flash/bootfs"
	"piwiz/flash/disk"
	"piwiz/flash/image"
	"piwiz/flash/udisks"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/tui"
)

func (p *program) flashVerb() *cobra.Command {
	yes, anyDisk, from := false, false, image.From{}
	c := verb(&cobra.Command{
		Use: "flash HOST DEVICE", Short: "Write the image of a host to a card, with the host's secrets, and verify it",
		Example: "  piwiz flash bach /dev/sdb\n  piwiz flash bach /dev/sdb --yes --json",
	}, cobra.ExactArgs(2), stored(func(ctx context.Context, store hostfile.Store, args []string) error {
		s, err := store.Load(args[0])
		if err != nil {
			return err
		}
		p.name(s.Problems, hostfile.Note)
		if err := s.Usable(); err != nil {
			return coded(err)
		}
		if from.Path == "" {
			if from.Path, err = builtImage(store, s.Host); err != nil {
				return err
			}
			from.Again = buildAgain(s.Host.Name)
		}
		if err := image.Check(ctx, from); err != nil {
			return err
		}
		d, err := p.findCard(ctx, args[1], anyDisk, "piwiz flash "+s.Host.Name)
		if err != nil {
			return err
		}
		if !yes || d.Any {
			if err := confirm(ctx, d); err != nil {
				return err
			}
		}
		card, err := openCard(ctx, d)
		if err != nil {
			return err
		}
		r, err := flashCard(ctx, store, s, flash.Job{Image: from, Card: card, CardSize: d.Size}, p.progress())
		if err != nil {
			_ = card.Close() // the error says all
			return err
		}
		safe := udisks.Release(ctx, card, d)
		p.say("written", map[string]any{
			"path": d.Path, "bytes": r.Bytes, "seconds": r.Took.Seconds(), "counts": r.Counts,
			"seconds_testing": r.Tested.Seconds(),
			"seconds_writing": r.Wrote.Seconds(), "write_rate": r.WriteRate,
			"seconds_verifying": r.Proved.Seconds(), "verify_rate": r.VerifyRate,
			"seconds_waiting_for_image": r.Waited.Seconds(), "safe_to_remove": safe,
		},
			fmt.Sprintf("%s is written and checked: %s in %.0f s. %s Put the card into the Pi and switch it on.", d.Path, disk.Human(r.Bytes), r.Took.Seconds(), tui.TakeOut(safe)))
		return nil
	}))
	p.emmcFlag(c)
	c.Flags().BoolVar(&anyDisk, "any-disk", false, "write the device named on the command line though it is no SD card, such as an SD Express card; never what this computer runs from, and --yes does not answer its two questions")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask; the device named on the command line is erased")
	c.Flags().StringVar(&from.Path, "image", "", "write this image (.img, or one packed as .zst, .xz, .gz or .bz2) instead of the one that was built")
	c.Flags().StringVar(&from.SHA256, "sha256", "", "what the SHA-256 of the image must be; else a file IMAGE.sha256 beside it is asked, if there is one")
	return c
}

// progress reports once a second at most, and at each new stage.
func (p *program) progress() func(flash.Progress) {
	var stage flash.Stage
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
func openCard(ctx context.Context, d disk.Device) (tui.Card, error) {
	c, err := openAsUser(ctx, d)
	if !errors.Is(err, fs.ErrPermission) {
		return c, err
	}
	g := newCardGrant(d)
	tell("Opening the card needs administrator rights: " + g.Command())
	g.SetStdout(os.Stderr)
	g.SetStderr(os.Stderr)
	if err := g.Run(); err != nil {
		return nil, err
	}
	return g.Card(), nil
}

// writeCard writes the image that was built for a host.
func writeCard(ctx context.Context, store hostfile.Store, s hostfile.Saved, built string, card tui.Card, d disk.Device, report func(flash.Progress)) (flash.Result, error) {
	if err := bound(store, s.Host); err != nil {
		return flash.Result{}, err
	}
	from := image.From{Path: built, Again: buildAgain(s.Host.Name)}
	return flashCard(ctx, store, s, flash.Job{Image: from, Card: card, CardSize: d.Size}, report)
}

// buildAgain is what to do about an image of piwiz's own that is damaged.
func buildAgain(host string) string { return "Build it again with: piwiz build " + host }

// flashCard carries the values from the nixgen half to the flash half.
func flashCard(ctx context.Context, store hostfile.Store, s hostfile.Saved, job flash.Job, report func(flash.Progress)) (flash.Result, error) {
	seeds, err := nixgen.Seeds(s.Host, s.PSK, s.Identity)
	if err != nil {
		return flash.Result{}, err
	}
	for _, x := range seeds {
		defer clear(x.Data)
		job.Files = append(job.Files, bootfs.File{Path: x.Path, Data: x.Data})
	}
	job.When = time.Now()
	r, err := flash.Write(ctx, job, report)
	if err == nil {
		settle(store, s.Host.Name)
	}
	return r, err
}

// settle notes that the Pi knows its secrets by the names they have now. When
// that fails the host keeps the old names, which work as well.
func settle(store hostfile.Store, name string) {
	s, err := store.Load(name)
	if err != nil || !slices.ContainsFunc(s.Host.Networks, func(n nixgen.Network) bool { return n.SecretName != "" }) {
		return
	}
	s.Host = s.Host.Written()
	files, err := nixgen.Files(s.Host)
	if err == nil {
		_, err = store.Save(s, files)
	}
	if err != nil {
		slog.Warn("the names of the secrets were not noted", "host", name, "err", err)
	}
}
