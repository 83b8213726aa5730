package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/firstboot"
	"piwiz/nixgen/hostfile/inspect"
)

func (p *program) waitVerb() *cobra.Command {
	limit := 10 * time.Minute
	c := verb(&cobra.Command{
		Use: "wait HOST", Short: "Wait until HOST.local answers with its own host key, then remember the key",
		Example: "  piwiz wait bach --limit 5m",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		s, err := e.Store.Load(args[0])
		if err != nil {
			return err
		}
		if err := s.Usable(inspect.NoPassword); err != nil {
			return engine.Guarded(err)
		}
		ctx, stop := context.WithTimeout(ctx, limit)
		defer stop()
		last := ""
		r, err := e.Wait(ctx, s, func(x firstboot.Event) {
			if x.Text != last {
				last = x.Text
				p.say("wait", map[string]any{"text": x.Text, "seconds": x.Elapsed.Seconds()}, x.Text)
			}
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s.local did not answer within %s; is the Pi switched on and on the same network as this computer?", s.Host.Name, limit)
		}
		if err != nil {
			return err
		}
		way, err := e.Login(ctx, s, r)
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
