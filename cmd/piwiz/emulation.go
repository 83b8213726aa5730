package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"piwiz/nixgen/emulate"
)

// emulated has the emulator registered for as long as the work takes, where
// this computer needs that.
func emulated(ctx context.Context, work func() error) error {
	err := emulate.Check(ctx)
	if err == nil {
		return work()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := &emulate.Registrar{Self: self()}
	r.SetStdout(os.Stderr)
	r.SetStderr(os.Stderr)
	fmt.Fprintln(os.Stderr, "Registering the emulator needs administrator rights:", r.Command())
	if err := r.Run(); err != nil {
		return &exit{lacking, err}
	}
	return errors.Join(work(), r.Close())
}
