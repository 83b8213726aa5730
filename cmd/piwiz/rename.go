package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
)

func (p *program) renameVerb() *cobra.Command {
	return verb(&cobra.Command{
		Use: "rename OLD NEW", Short: "Give a saved host another name; it keeps its key, and the Pi its old name until the next card",
		Example: "  piwiz hosts rename bach haydn",
	}, cobra.ExactArgs(2), p.steps(func(_ context.Context, e *engine.Engine, args []string) error {
		store := e.Store
		old, name := args[0], args[1]
		var wrong problems
		wrong.add(engine.NewName(name))
		if _, err := store.Load(old); err != nil || len(wrong) > 0 { // else Rename tells the rest
			wrong.add(err)
			return wrong.err()
		}
		if err := store.Rename(old, name, nixgen.Files); err != nil {
			return notOver(err)
		}
		p.say("renamed", map[string]any{"from": old, "name": name, "folder": store.Path(name)},
			fmt.Sprintf("%[1]s is now called %[2]s and keeps its host key. Your configuration.nix and known_hosts are unchanged.\n"+
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
