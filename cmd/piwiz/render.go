package main

import (
	"context"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
)

func (p *program) renderVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "render HOST|FILE.toml", Short: "Print the Nix files of a host, as they will be built",
		Example: "  piwiz render bach\n  piwiz render ./bach.toml",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := e.Host(ctx, args[0])
		if err == nil {
			err = problems(s.Wrong).err()
		}
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
