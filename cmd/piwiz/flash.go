package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"piwiz/flash"
	"piwiz/flash/bootfs"
	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/flash/udisks"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/tui"
)

func (p *program) flashVerb() *cobra.Command {
	yes, image, sum := false, "", ""
	c := verb(&cobra.Command{
		Use: "flash HOST DEVICE", Short: "Write the image of a host to a card, with the host's secrets, and prove it",
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
		if image == "" {
			if image, err = builtImage(store, s.Host.Name); err != nil {
				return err
			}
		}
		d, err := p.findCard(ctx, args[1])
		if err != nil {
			return err
		}
		if !yes {
			if err := confirm(ctx, d); err != nil {
				return err
			}
		}
		card, err := openCard(ctx, d)
		if err != nil {
			return err
		}
		r, err := flashCard(ctx, s, flash.Job{Image: image, SHA256: sum, Card: card, CardSize: d.Size}, p.progress())
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
	c.Flags().BoolVar(&yes, "yes", false, "do not ask; the device named on the command line is erased")
	c.Flags().StringVar(&image, "image", "", "write this image (.img, or one packed as .zst, .xz, .gz or .bz2) instead of the one that was built")
	c.Flags().StringVar(&sum, "sha256", "", "what the SHA-256 of the image must be; else a file IMAGE.sha256 beside it is asked, if there is one")
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

// emmcFlag is for whoever wants it: on a few boards the memory that is soldered
// in is what a system is written to.
func (p *program) emmcFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.emmc, "emmc", false, "offer memory that is soldered into this computer too, unless it runs from it")
}

func (p *program) cards(ctx context.Context) ([]disk.Device, error) {
	all, err := detect.List(ctx, "/")
	for i := range all {
		all[i].Soldered = p.emmc
	}
	return all, err
}

func (p *program) findCard(ctx context.Context, path string) (disk.Device, error) {
	all, err := p.cards(ctx)
	if err != nil {
		return disk.Device{}, err
	}
	for _, d := range all {
		if d.Path != path {
			continue
		}
		if why := d.Refusal(); why != "" {
			return d, &exit{refused, fmt.Errorf("%s is not written: %s", path, why)}
		}
		return d, nil
	}
	return disk.Device{}, &exit{refused, fmt.Errorf("%s is not a disk of this computer; `piwiz cards --all` lists them", path)}
}

// confirm lets the user type the card's name, and once more when it is perhaps
// no card. Where nobody can type, only --yes goes on.
func confirm(ctx context.Context, d disk.Device) error {
	if st, err := os.Stdin.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return &exit{refused, fmt.Errorf("%s would be erased and nobody is here to confirm it; add --yes if that is wanted", d.Path)}
	}
	typed := bufio.NewReader(os.Stdin)
	fmt.Fprintf(os.Stderr, "Everything on %s (%s %s %s) will be erased: %s\n", d.Path, disk.Human(d.Size), d.Vendor, d.Model, d.Contents())
	if err := asked(typed, d.Name); err != nil || d.Doubt() == "" {
		return err
	}
	fmt.Fprintln(os.Stderr, d.Doubt())
	if newest := detect.Newest(ctx, d); !newest.IsZero() {
		fmt.Fprintln(os.Stderr, "The newest file on it is from "+newest.Format("2 January 2006")+".")
	}
	return asked(typed, "erase")
}

func asked(typed *bufio.Reader, word string) error {
	fmt.Fprintf(os.Stderr, "Type %s to go on: ", word)
	line, _ := typed.ReadString('\n') // an early end is a wrong answer
	if strings.TrimSpace(line) != word {
		return &exit{refused, errors.New("nothing was written")}
	}
	return nil
}

// openCard opens the card as the ordinary user, else asks for the right to.
func openCard(ctx context.Context, d disk.Device) (tui.Card, error) {
	c, err := openAsUser(ctx, d)
	if !errors.Is(err, fs.ErrPermission) {
		return c, err
	}
	g := newCardGrant(d)
	fmt.Fprintln(os.Stderr, "Opening the card needs administrator rights:", g.Command())
	g.SetStdout(os.Stderr)
	g.SetStderr(os.Stderr)
	if err := g.Run(); err != nil {
		return nil, err
	}
	return g.Card(), nil
}

// writeCard writes the image of a host.
func writeCard(ctx context.Context, s hostfile.Saved, image string, card tui.Card, d disk.Device, report func(flash.Progress)) (flash.Result, error) {
	return flashCard(ctx, s, flash.Job{Image: image, Card: card, CardSize: d.Size}, report)
}

// flashCard carries the values from the nixgen half to the flash half.
func flashCard(ctx context.Context, s hostfile.Saved, job flash.Job, report func(flash.Progress)) (flash.Result, error) {
	seeds, err := nixgen.Seeds(s.Host, s.PSK, s.Identity)
	if err != nil {
		return flash.Result{}, err
	}
	for _, x := range seeds {
		job.Files = append(job.Files, bootfs.File{Path: x.Path, Data: x.Data})
	}
	job.When = time.Now()
	return flash.Write(ctx, job, report)
}
