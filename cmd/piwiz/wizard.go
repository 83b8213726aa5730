package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/crash"
	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/nixgen/hostfile"
	"piwiz/tui"
)

// wizard asks the questions one after the other.
func (p *program) wizard(ctx context.Context) error {
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return &exit{usage, errors.New("the wizard needs a terminal to ask its questions; in a script use the verbs, which `piwiz --help` lists")}
	}
	e, err := p.engine()
	if err != nil {
		return err
	}
	e.Lasting = true
	if e.AnyDisk != "" { // what it cannot do it says at once, not after an hour
		if _, err := e.Card(ctx, e.AnyDisk, true, "piwiz --any-disk"); err != nil {
			return err
		}
	}
	return errors.Join(show(ctx, face(e)), e.Close())
}

// show shows the wizard, and leaves the terminal as it was however that ends: a
// program that was cut off while it asked for a password left its own settings.
func show(ctx context.Context, e tui.Engine) error {
	was, err := term.GetState(os.Stdin.Fd())
	if err != nil {
		return fmt.Errorf("ask the terminal for its settings: %w", err)
	}
	defer func() { _ = term.Restore(os.Stdin.Fd(), was) }() // a closed terminal has none
	ctx, stop := interruptible(ctx)
	defer stop()
	ended := make(chan struct{})
	defer close(ended)
	crash.Go(func() error {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
		}
		select {
		case <-ended:
		case <-time.After(tooLong):
			slog.Error("the wizard did not end by itself")
			_ = term.Restore(os.Stdin.Fd(), was)
			os.Exit(cancelled)
		}
		return nil
	}, nil)
	return tui.Run(ctx, e, os.Stdin, os.Stdout)
}

// tooLong is how long a wizard that was told to end may take. Leaving waits for
// its work for 15 s; longer takes only what hangs, as a home on a dead network
// disk or a terminal that takes nothing.
const tooLong = 20 * time.Second

// interruptible ends the context with a SIGINT from elsewhere. In raw mode ^C is
// a key and sends none; where the terminal is lent to a program that asks for a
// password, the signal is for that program alone.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	crash.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-interrupts:
				if now, err := term.GetState(os.Stdin.Fd()); err != nil || now.Lflag&unix.ISIG == 0 {
					cancel()
				}
			}
		}
	}, nil)
	return ctx, func() { signal.Stop(interrupts); cancel() }
}

// face gives the wizard what the engine does.
func face(e *engine.Engine) tui.Engine {
	return tui.Engine{
		Hosts: e.Hosts, Checks: e.Checks, Fetch: e.Fetch, Repair: func(command string) tea.ExecCommand { return e.Repair(command) },
		Defaults: engine.Guess, Computer: engine.Computer, Answers: e.Answers,
		Networks: e.Networks, GrantNetworks: func() tui.WifiGrant { return e.GrantNetworks() }, Searched: e.Searched, AskSecret: e.AskSecret,
		Keys: e.Keys, MakeKey: e.MakeKey, ReadKey: e.ReadKey,
		Save: e.Save, Preview: e.Preview, Edit: func(s hostfile.Saved) tea.ExecCommand { return e.Edit(s) },
		Plan: e.Plan, Build: e.Build,
		Cards: e.Cards, CardsChanged: detect.Watch, Newest: detect.Newest,
		Open: e.Open, GrantCard: func(d disk.Device) tui.CardGrant { return e.GrantCard(d) },
		Write: e.WriteBuilt,
		Wait:  e.Wait, Login: e.Login,
	}
}
