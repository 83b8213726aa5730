package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
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

func (p *program) renameVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "rename OLD NEW", Short: "Give a saved host another name; it keeps its key, and the Pi its old name until the next card",
		Example: "  piwiz hosts rename bach haydn",
	}, cobra.ExactArgs(2), p.steps(func(_ context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		old, name := args[0], args[1]
		if err := newName(name); err != nil {
			return err
		}
		if err := store.Rename(old, name, nixgen.Files); err != nil {
			return notOver(err)
		}
		p.say("renamed", map[string]any{"from": old, "name": name, "folder": store.Path(name)},
			fmt.Sprintf("%[1]s is called %[2]s now, with the same host key. Your configuration.nix and known_hosts are as they were.\n"+
				"The Pi itself keeps the name %[1]s until it gets a new card: piwiz build %[2]s", old, name))
		return nil
	}))
}

// notOver is the error of a name that is taken: nothing is put in its place
// for safety.
func notOver(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return &engine.Refused{Err: err}
	}
	return engine.Guarded(err)
}

func (p *program) forgetVerb() *cobra.Command {
	yes := false
	c := verb(&cobra.Command{
		Use: "forget NAME", Short: "Remove a saved host and its secrets from this computer",
		Example: "  piwiz hosts forget bach",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		name := args[0]
		var broken *hostfile.Broken // can be forgotten as well
		if _, err := store.Load(name); err != nil && !errors.As(err, &broken) {
			return err
		}
		if !yes {
			if err := sureToForget(ctx, onTerminal(), store, name); err != nil {
				return err
			}
		}
		if err := store.Forget(name); err != nil {
			return err
		}
		p.say("forgotten", map[string]any{"name": name},
			name+" is forgotten. Its passwords and keys were overwritten, as far as that can be done: an SSD, and a file\n"+
				"system that copies on write or keeps snapshots (btrfs, ZFS), may still have them.\n"+
				"Its image goes when Nix next collects garbage. known_hosts was not changed: ssh-keygen -R "+name+".local")
		return nil
	}))
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// sureToForget lets the user type the host's name.
func sureToForget(ctx context.Context, ask *prompt, store hostfile.Store, name string) error {
	if !ask.here() {
		return &engine.Refused{Err: fmt.Errorf("%s would be forgotten and nobody is here to confirm it; add --yes if that is wanted", name)}
	}
	tell(fmt.Sprintf("This removes %s, with your configuration.nix, its Wi-Fi passwords and its host key:\n  %s\nA new card for it cannot be made after that, except from an export: piwiz hosts export %s", name, store.Path(name), name))
	text, err := ask.line(ctx, "Type "+name+" to forget it: ")
	switch {
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	case text != name:
		return &engine.Refused{Err: errors.New("nothing was changed")}
	}
	return nil
}
