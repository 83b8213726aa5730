package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
)

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
	c.Flags().BoolVar(&all, "all", false, "also list the disks that are not offered, and why")
	return c
}

// emmcFlag is for whoever wants it: on a few boards the memory that is soldered
// in is what a system is written to.
func (p *program) emmcFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.set.Soldered, "emmc", false, "also offer memory soldered into this computer, unless this computer runs from it")
}
