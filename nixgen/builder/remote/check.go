package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/diagnose/others"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/nix"
)

// patience is how long one machine may take to run the test program, with the
// connection: a Pi Zero needs some seconds.
const patience = time.Minute

// verify lets each of the machines run a small program for aarch64, through the
// very connection that a build uses. The error is a *fault.Error with hints, or
// ctx's.
func verify(ctx context.Context, machines []Machine) error {
	who, err := connector(ctx)
	if err != nil {
		return err
	}
	for _, m := range machines {
		if err := who.try(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// caller is who makes the connection.
type caller struct {
	daemon  bool // root's nix-daemon
	trusted bool // the user may choose builders
	root    bool // the user is root
}

// connector asks nix how it opens its store.
func connector(ctx context.Context) (caller, error) {
	store, said, err := nix.AskStore(ctx)
	switch {
	case ctx.Err() != nil:
		return caller{}, ctx.Err()
	case errors.Is(err, nix.ErrNotFound):
		return caller{}, err
	case err != nil:
		return caller{}, nix.StoreError(ctx, said, err)
	}
	return caller{daemon: store.Daemon(), trusted: !store.Distrusted(), root: os.Geteuid() == 0}, nil
}

func (c caller) try(ctx context.Context, m Machine) error {
	if !c.trusted {
		return c.explain(m, "not a trusted user", nil)
	}
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var said strings.Builder
	// The program ends with an exit status of its own: that the build failed with
	// this status is the proof, and leaves nothing behind.
	err := nix.Trial{
		Name: "piwiz-can-it-build", System: aarch64.System, Program: aarch64.Answering(),
		Args: append([]string{"-v"}, options([]Machine{m}, true)...), Env: environ(),
	}.Build(limited, func(e nix.Event) {
		// Only what Nix or ssh say to people, and the lines of the builder.
		if line := e.Text + e.TextAt(0); (e.Action == nix.Plain || e.Action == nix.Msg && e.Level <= nix.LevelWarn || e.Kind == nix.LogLine) && said.Len() < 16<<10 {
			said.WriteString(line + "\n")
		}
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return c.explain(m, said.String()+"\nConnection timed out", limited.Err())
	case strings.Contains(said.String(), fmt.Sprintf("failed with exit code %d", aarch64.Answer)):
		return nil
	case err == nil:
		err = errors.New("the test program ended as if it had built something")
	}
	return c.explain(m, said.String(), err)
}

// explain says why a machine does not build.
func (c caller) explain(m Machine, said string, err error) *fault.Error {
	return others.Connection{Host: m.Host(), Daemon: c.daemon, Root: c.root}.Explain(said, err)
}
