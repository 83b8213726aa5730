package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
)

// ownFlags are those of the verbs that may use piwiz's own Nix.
func (p *program) ownFlags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.set.NixDir, "own-nix-dir", "", "keep piwiz's own Nix in this `FOLDER` instead of $XDG_DATA_HOME/piwiz")
	c.Flags().StringArrayVar(&p.set.Caches, "cache", nil, "fetch piwiz's own Nix, and what it builds with, from this mirror instead of cache.nixos.org: `URL` of https or file, e.g. file:///media/usb; the signatures must be the same; may be repeated")
	return c
}

func (p *program) ownNixVerb() *cobra.Command {
	c := verb(&cobra.Command{
		Use: "own-nix status|gc|remove", Short: "Show what piwiz's own Nix is and keeps; clean it up, or remove it",
		Example: "  piwiz own-nix status\n  piwiz own-nix gc\n  piwiz own-nix remove",
	}, cobra.NoArgs, func(context.Context, []string) error {
		return &exit{usage, errors.New("own-nix needs to know what to do\nUsage: piwiz own-nix status|gc|remove")}
	})
	c.AddCommand(p.ownFlags(p.ownStatusVerb()), p.ownFlags(p.ownGCVerb()), p.ownFlags(p.ownRemoveVerb()), p.ownFlags(p.repinVerb()))
	return c
}

func (p *program) ownStatusVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "status", Short: "Show the folder, its size, the versions, whose images it keeps, and whether it may run here",
		Example: "  piwiz own-nix status",
	}, cobra.NoArgs, p.steps(func(ctx context.Context, e *engine.Engine, _ []string) error {
		s, err := e.OwnNix(ctx)
		if err != nil {
			return err
		}
		value := map[string]any{
			"folder": s.Dir, "size": s.Size, "version": s.Version, "pinned": s.Pinned, "emulator": s.Emulator,
			"hosts": append([]string{}, s.Hosts...), "runs": s.Refused == nil, "outside": append([]string{}, s.Outside...),
		}
		lines := []string{"Folder: " + s.Dir}
		if s.Version == "" {
			lines = append(lines, "Nix: not downloaded yet; piwiz brings "+s.Pinned+".")
		} else {
			lines[0] += " (" + engine.MB(s.Size) + ")"
			lines = append(lines, "Nix: "+s.Version+", downloaded on "+s.Since.Format("2 January 2006"))
			value["since"] = s.Since
		}
		if s.Emulator != "" {
			lines = append(lines, "Emulator: "+s.Emulator)
		}
		if len(s.Hosts) > 0 {
			lines = append(lines, "It keeps the images of: "+strings.Join(s.Hosts, ", "))
		}
		if s.Refused == nil {
			lines = append(lines, "It may run on this computer.")
		} else {
			headline, hints := explain(s.Refused)
			value["refused"], value["hints"] = headline, hints
			lines = append(lines, "It cannot run on this computer: "+headline)
			for _, h := range hints {
				lines = append(lines, "  "+h)
			}
		}
		p.say("own-nix", value, strings.Join(lines, "\n"))
		return nil
	}))
}

func (p *program) ownGCVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "gc", Short: "Delete what neither its tools nor the images of the saved hosts need",
		Example: "  piwiz own-nix gc",
	}, cobra.NoArgs, p.steps(func(ctx context.Context, e *engine.Engine, _ []string) error {
		freed, kept, err := e.CollectOwnNix(ctx)
		if err != nil {
			return err
		}
		text := engine.MB(freed) + " freed. The tools are kept"
		if len(kept) > 0 {
			text += ", and what these hosts need for a new card: " + strings.Join(kept, ", ")
		}
		text += "."
		p.say("collected", map[string]any{"freed": freed, "kept": append([]string{}, kept...)}, text)
		return nil
	}))
}

func (p *program) ownRemoveVerb() *cobra.Command {
	yes := false
	c := verb(&cobra.Command{
		Use: "remove", Short: "Remove piwiz's own Nix, and with it the images that it keeps",
		Example: "  piwiz own-nix remove",
	}, cobra.NoArgs, p.steps(func(ctx context.Context, e *engine.Engine, _ []string) error {
		s, err := e.OwnNix(ctx)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(s.Dir); errors.Is(err, os.ErrNotExist) {
			p.say("removed", map[string]any{"folder": s.Dir, "freed": 0, "outside": append([]string{}, s.Outside...)}, "There is nothing in "+s.Dir+"."+outside(s.Outside))
			return nil
		}
		if !yes {
			if err := sureToRemove(ctx, onTerminal(), s.Dir, s.Size, s.Hosts); err != nil {
				return err
			}
		}
		if err := e.RemoveOwnNix(ctx); err != nil {
			return err
		}
		p.say("removed", map[string]any{"folder": s.Dir, "freed": s.Size, "outside": append([]string{}, s.Outside...)},
			s.Dir+" is removed ("+engine.MB(s.Size)+"). The saved hosts are kept; their images are built again when they are needed."+outside(s.Outside))
		return nil
	}))
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// outside names what only an administrator can take away.
func outside(commands []string) string {
	if len(commands) == 0 {
		return ""
	}
	return "\nWhat was installed for it with administrator rights is removed with:\n  " + strings.Join(commands, "\n  ")
}

// sureToRemove lets the user type a word.
func sureToRemove(ctx context.Context, ask *prompt, dir string, size int64, hosts []string) error {
	if !ask.here() {
		return &engine.Refused{Err: fmt.Errorf("%s would be removed, and there is no terminal to confirm it on; add --yes to remove it without asking", dir)}
	}
	text := fmt.Sprintf("This removes %s (%s).", dir, engine.MB(size))
	if len(hosts) > 0 {
		text += "\nThe images of these hosts are removed with it, and must be built again for a new card: " + strings.Join(hosts, ", ")
	}
	tell(text)
	word, err := ask.line(ctx, "Type remove to go on: ")
	switch {
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	case word != "remove":
		return &engine.Refused{Err: errors.New("nothing was changed")}
	}
	return nil
}

// repinVerb is for those who keep the table of pins.
func (p *program) repinVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "repin VERSION", Short: "Print the table of pins for a release of Nix, after checking its signatures", Hidden: true,
		Example: "  piwiz own-nix repin 2.35.2",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		table, err := e.Repin(ctx, args[0])
		if err != nil {
			return err
		}
		p.say("pins", map[string]any{"table": table}, table)
		return nil
	}))
}
