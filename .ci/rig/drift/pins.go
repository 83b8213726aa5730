package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"piwiz/nixgen/builder/ownnix/pins"
)

// pinned fetches all that the table of pins names, from each of its sources.
func pinned(ctx context.Context) error {
	all, err := pins.All()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "drift-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var failed []error
	tell := func(what, system string, marked bool, err error) {
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s for %s: %w", what, system, err))
		case !marked:
			fmt.Printf("%s for %s is fetched, and its line does not say so: go run ./cmd/piwiz own-nix repin VERSION\n", what, system)
		default:
			fmt.Printf("%s for %s is fetched\n", what, system)
		}
	}
	for _, p := range all {
		_, err := p.Try(ctx, p.Cache())
		tell("Nix "+p.Version, p.System, p.Fetched && p.Tarball.Fetched, err)
		if p.Emulator.SHA256 != "" {
			err := p.FetchEmulator(ctx, filepath.Join(dir, "emulator"), nil)
			tell("the emulator", p.System, p.Emulator.Fetched, err)
		}
	}
	return errors.Join(failed...)
}
