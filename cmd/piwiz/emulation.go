package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"piwiz/nixgen/emulate"
	"piwiz/nixgen/emulate/register"
	"piwiz/tui"
)

// emulation is the line of the check page. Where an emulator lies on this
// computer that nobody has registered, r offers to do that for as long as the
// wizard runs; it is nil where nothing runs for long.
func emulation(ctx context.Context, r *emulate.Registrar) tui.Finding {
	notes, err := emulate.Look(ctx)
	f := finding(strings.Join(append([]string{"Programs for the Pi's processor run here."}, notes...), " "), err)
	var e *emulate.Error
	if !errors.As(err, &e) {
		return f
	}
	switch {
	case e.Reason == emulate.LeftOver:
		f.State = tui.Warning
	case f.Why == "":
		f.Why = "The build runs some programs that are made for the Pi's processor (aarch64)."
	}
	if r != nil && (e.Reason == emulate.NotMounted || e.Reason == emulate.NotRegistered) && register.Available() {
		f.Todo, f.Command = []string{"The emulator is installed; piwiz can register it for as long as it runs:"}, r.Command()
	}
	return f
}

// emulated has the emulator registered for as long as the work takes, where
// this computer needs that.
func emulated(ctx context.Context, work func() error) error {
	_, err := emulate.Look(ctx) // an emulator that was left over is replaced
	if err == nil {
		return work()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := &emulate.Registrar{Self: self()}
	r.SetStdout(os.Stderr)
	r.SetStderr(os.Stderr)
	tell("Registering the emulator needs administrator rights: " + r.Command())
	if err := r.Run(); err != nil {
		return &exit{lacking, err}
	}
	return errors.Join(work(), r.Close())
}
