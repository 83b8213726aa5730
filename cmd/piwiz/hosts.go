package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
)

func (p *program) hostsVerb() *cobra.Command {
	c := verb(&cobra.Command{
		Use: "hosts", Short: "List the saved hosts, and what is wrong with them; back them up, rename or forget them",
		Example: "  piwiz hosts\n  piwiz hosts export bach\n  piwiz hosts import bach.age",
	}, cobra.NoArgs, p.steps(func(_ context.Context, e *engine.Engine, _ []string) error {
		store := e.Store
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
	c.AddCommand(p.exportVerb(), p.importVerb(), p.renameVerb(), p.forgetVerb())
	return c
}
