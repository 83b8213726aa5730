package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"piwiz/nixgen/hostfile"
)

func (p *program) hostsVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "hosts", Short: "List the saved hosts, and what is wrong with them", Example: "  piwiz hosts",
	}, cobra.NoArgs, stored(func(_ context.Context, store hostfile.Store, _ []string) error {
		saved, problems, err := store.List()
		if err != nil {
			return err
		}
		for _, s := range saved {
			p.say("host", map[string]any{"name": s.Host.Name, "board": s.Host.Board, "fingerprint": s.Identity.Fingerprint(), "folder": s.Folder, "problems": len(s.Problems)},
				fmt.Sprintf("%-20s %-8s %s", s.Host.Name, s.Host.Board, s.Identity.Fingerprint()))
			for _, x := range s.Problems {
				p.problem("  ! ", x)
			}
		}
		if len(saved)+len(problems) == 0 {
			p.nothing("No host is saved yet; `piwiz` alone, or `piwiz build FILE.toml`, makes one.")
		}
		for _, x := range problems {
			p.problem("skipped: ", x)
		}
		return nil
	}))
}
