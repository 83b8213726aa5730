package engine

import (
	"context"
	"errors"
	"os"
	"strings"

	"piwiz/nixgen/emulate"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/preflight"
)

// emulation is the line of the check page. Where an emulator is installed that
// nobody has registered, it offers to do that until Close, if Lasting.
func (e *Engine) emulation(ctx context.Context) preflight.Finding {
	notes, err := emulate.Inspect(ctx)
	f := preflight.Found(strings.Join(append([]string{"Programs for the Pi's processor run here."}, notes...), " "), err)
	var no *emulate.Error
	if !errors.As(err, &no) {
		return f
	}
	switch {
	case no.Reason == emulate.LeftOver:
		f.State = preflight.Warning
	case f.Why == "":
		f.Why = "The build runs some programs that are made for the Pi's processor (aarch64)."
	}
	if e.Lasting && (no.Reason == emulate.NotMounted || no.Reason == emulate.NotRegistered) && register.Available() && e.emulator.Able() == nil {
		f.Todo, f.Command = []string{"The emulator is installed; piwiz can register it while it runs:"}, e.emulator.Command()
	}
	return f
}

// Emulated has the emulator registered while the work runs, where
// this computer needs that. said gets the command that asks for administrator
// rights before it runs on the terminal.
func (e *Engine) Emulated(ctx context.Context, said func(command string), work func() error) error {
	_, err := emulate.Inspect(ctx) // an emulator that was left over is replaced
	if err == nil {
		return work()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := e.GrantEmulator()
	if err := r.Able(); err != nil {
		return &Lacking{err}
	}
	r.SetStdout(os.Stderr)
	r.SetStderr(os.Stderr)
	said(r.Command())
	if err := r.Run(); err != nil {
		return &Lacking{err}
	}
	return errors.Join(work(), r.Close())
}
