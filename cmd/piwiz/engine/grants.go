package engine

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"piwiz/cmd/piwiz/root"
	"piwiz/flash"
	"piwiz/flash/cardproc"
	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/grant"
	"piwiz/flash/udisks"
	"piwiz/nixgen/emulate"
)

// asker asks root for an operation.
func asker(words ...string) root.Asker { return root.Asker{Self: Self(), Words: words} }

// EmulatorGrant registers the emulator with administrator rights, until Close.
type EmulatorGrant struct{ root.Asker }

// GrantEmulator prepares registering the emulator.
func (e *Engine) GrantEmulator() *EmulatorGrant { return &EmulatorGrant{asker("emulation")} }

// Run returns when programs for the Pi run here.
func (g *EmulatorGrant) Run() error {
	return emulate.Begin(func() error { return g.Ask(nil) }, g.removed)
}

// Close says in an error that the emulator is still there.
func (g *EmulatorGrant) Close() error { return emulate.End(g.removed) }

func (g *EmulatorGrant) removed() bool { return g.End() == 0 }

// CardGrant opens a card by the privileged half; Card is valid after a run without
// error.
type CardGrant struct {
	root.Asker
	device disk.Device
	file   *os.File
	card   *cardproc.Card
}

// GrantCard prepares opening a card with administrator rights.
func (e *Engine) GrantCard(d disk.Device) *CardGrant {
	return &CardGrant{Asker: asker(append([]string{"open"}, grant.Words(d)...)...), device: d}
}

// Run opens the card. The privileged half ends with Close.
func (g *CardGrant) Run() error {
	var err error
	if g.file, err = grant.OpenAsRoot(g.device, g.AskFile); err == nil {
		g.card, err = cardproc.Start(g.file, g.Self, CardPart)
	}
	if err != nil {
		_ = g.Close()
		return refusal(err)
	}
	return nil
}

// Close closes the card and ends the privileged half.
func (g *CardGrant) Close() error {
	if g.file != nil {
		_ = g.file.Close() // what matters was synced and read back before
	}
	g.End()
	return nil
}

// refusal makes *Refused of a card that must not be written, whichever half said
// so.
func refusal(err error) error {
	_, no := errors.AsType[*grant.Refused](err)
	said, ok := errors.AsType[*root.Failure](err)
	if no || ok && said.Refused {
		return &Refused{err}
	}
	return err
}

func (g *CardGrant) Card() flash.Opened { return grantedCard{g.card, g} }

// grantedCard closes the card and then ends the privileged half, which lets
// the kernel read the new partition table.
type grantedCard struct {
	*cardproc.Card
	g *CardGrant
}

// Close does not wait for the privileged half of a card that hangs.
func (c grantedCard) Close() error {
	if err := c.Card.Close(); err != nil {
		crash.Go(c.g.Close, nil)
		return err
	}
	return c.g.Close()
}

// CardPart is the verb of the part of piwiz that asks the card.
const CardPart = "ask-card"

// Open opens the card without running anything as root: as the user
// piwiz runs as, else by the disk service of the desktop, which may ask for
// the password in a window until ctx ends. fs.ErrPermission means that it takes
// administrator rights.
func (e *Engine) Open(ctx context.Context, d disk.Device) (flash.Opened, error) {
	f, err := grant.OpenDirect(d)
	if errors.Is(err, fs.ErrPermission) {
		f, err = openByDesktop(ctx, d)
	}
	if err != nil {
		return nil, refusal(err)
	}
	c, err := cardproc.Start(f, Self(), CardPart)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func openByDesktop(ctx context.Context, d disk.Device) (*os.File, error) {
	s, err := udisks.Connect(ctx)
	if err != nil {
		return nil, errors.Join(fs.ErrPermission, err)
	}
	defer s.Close()
	f, err := grant.OpenBy(grant.Way{
		Unmount: func(d disk.Device) error { return s.Unmount(ctx, d) },
		Open:    func(d disk.Device) (*os.File, error) { return s.Open(ctx, d) },
	}, d)
	var no *grant.Refused
	switch {
	case err == nil:
		return f, nil
	case ctx.Err() != nil:
		return nil, context.Canceled
	case errors.As(err, &no):
		return nil, err
	case errors.Is(err, udisks.ErrDismissed):
		return nil, root.Denied("the password was not given", "Choose the card again, and type the password when the window asks for it.")
	}
	slog.Info("the disk service did not open the card", "error", err)
	return nil, errors.Join(fs.ErrPermission, err)
}
