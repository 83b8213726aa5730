package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
)

// verb wraps the run function of a verb: ^C cancels it, and an argument error
// counts as wrong usage.
func verb(c *cobra.Command, args cobra.PositionalArgs, run func(context.Context, []string) error) *cobra.Command {
	c.Args = func(c *cobra.Command, a []string) error {
		if args(c, a) == nil {
			return nil
		}
		example, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n")
		return &exit{usage, fmt.Errorf("wrong arguments for %s\nUsage: %s\nFor example: %s", c.Name(), c.UseLine(), example)}
	}
	c.RunE = func(c *cobra.Command, a []string) error {
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt)
		defer stop()
		err := run(ctx, a)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Canceled, err)
		}
		return err
	}
	return c
}

// steps gives a verb the engine.
func (p *program) steps(run func(context.Context, *engine.Engine, []string) error) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		e, err := p.engine()
		if err != nil {
			return err
		}
		err = run(ctx, e, args)
		if end := e.Close(); err == nil {
			err = end
		}
		return err
	}
}

func badFlag(c *cobra.Command, err error) error {
	return &exit{usage, fmt.Errorf("%w; `%s --help` lists the options", err, c.CommandPath())}
}
