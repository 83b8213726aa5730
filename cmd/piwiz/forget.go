package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/inspect"
)

func (p *program) forgetVerb() *cobra.Command {
	yes := false
	c := verb(&cobra.Command{
		Use: "forget NAME", Short: "Remove a saved host and its secrets from this computer",
		Example: "  piwiz hosts forget bach",
	}, cobra.ExactArgs(1), p.steps(func(ctx context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		name := args[0]
		var broken *inspect.Broken // can be forgotten as well
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
		collected := "Nix removes its image at the next garbage collection."
		if e.HasOwnNix() {
			collected = "Nix removes its image at the next garbage collection: piwiz own-nix gc"
		}
		p.say("forgotten", map[string]any{"name": name},
			name+" is forgotten. Its passwords and keys were overwritten, as far as that can be done: an SSD, and a file\n"+
				"system that copies on write or keeps snapshots (btrfs, ZFS), may still have them.\n"+
				collected+"\nknown_hosts was not changed: ssh-keygen -R "+name+".local")
		return nil
	}))
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// sureToForget lets the user type the host's name.
func sureToForget(ctx context.Context, ask *prompt, store hostfile.Store, name string) error {
	if !ask.here() {
		return &engine.Refused{Err: fmt.Errorf("%s would be forgotten, and there is no terminal to confirm it on; add --yes to forget it without asking", name)}
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
