package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"piwiz/nixgen/builder"
)

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "piwiz",
		Short: "Make an SD card for a Raspberry Pi with NixOS that answers as HOST.local",
		Long: "piwiz asks what the Raspberry Pi should be, builds a NixOS image for it, writes\n" +
			"the card, verifies it, and waits until the Pi answers as HOST.local over SSH.\n" +
			"Without a verb it starts the wizard; each verb does one step of it.\n\n" +
			"Exit codes: 0 done · 1 failed · 2 wrong usage · 3 refused for safety ·\n" +
			"4 this computer lacks something · 130 cancelled",
		Version: version(),
		Example: "  piwiz\n  piwiz build bach && piwiz flash bach /dev/sdb && piwiz wait bach",
		Args: func(c *cobra.Command, a []string) error {
			if err := cobra.NoArgs(c, a); err != nil {
				return &exit{usage, fmt.Errorf("%w; `piwiz --help` lists the verbs", err)}
			}
			return nil
		},
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(c *cobra.Command, _ []string) error { return p.wizard(c.Context()) },
	}
	root.SetFlagErrorFunc(badFlag)
	root.PersistentFlags().BoolVar(&p.json, "json", false, "one JSON object per line instead of text")
	root.PersistentFlags().StringVar(&p.set.Nixpkgs, "nixpkgs", "", "build from this nixpkgs flake, e.g. path:/home/me/nixpkgs, instead of the pinned release")
	root.PersistentFlags().StringVar(&p.set.Builder, "builder", "", "where the image is built: "+builder.Names+"; without it, what works here")
	p.emmcFlag(root)
	p.ownFlags(root)
	root.Flags().StringVar(&p.set.AnyDisk, "any-disk", "", "also offer this disk, which does not look like an SD card, such as an SD Express card: /dev/nvme1n1; never a disk this computer runs from")
	root.AddCommand(p.checkVerb(), p.renderVerb(), p.buildVerb(), p.cardsVerb(), p.flashVerb(), p.waitVerb(), p.hostsVerb(), p.ownNixVerb())
	return root
}
