package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"piwiz/flash/apart"
	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/grant"
	"piwiz/flash/udisks"
	"piwiz/tui"
)

// cardGrant fits the privileged opener to the wizard.
type cardGrant struct {
	grant.Opener
	card *apart.Card
}

func newCardGrant(d disk.Device) *cardGrant {
	return &cardGrant{Opener: grant.Opener{Device: d, Self: self()}}
}

// Run opens the card, and gives a refused one its exit code.
func (g *cardGrant) Run() error {
	err := g.Opener.Run()
	var no *grant.Refused
	if errors.As(err, &no) {
		return &exit{refused, err}
	}
	if err != nil {
		return err
	}
	if g.card, err = apart.Start(g.File(), g.Self, cardPart); err != nil {
		_ = g.Close() // ends the privileged half
	}
	return err
}

func (g *cardGrant) Card() tui.Card { return grantedCard{g.card, g} }

// grantedCard closes the card and then ends the privileged half, which lets
// the kernel read the new partition table.
type grantedCard struct {
	*apart.Card
	g *cardGrant
}

// Close does not wait for the privileged half of a card that hangs.
func (c grantedCard) Close() error {
	if err := c.Card.Close(); err != nil {
		crash.Go(c.g.Close, nil)
		return err
	}
	return c.g.Close()
}

// cardPart is the verb of the part of piwiz that asks the card.
const cardPart = "ask-card"

// openAsUser opens the card without running anything as root: as the user
// piwiz runs as, else by the disk service of the desktop, which may ask for
// the password in a window until ctx ends. fs.ErrPermission means that it takes
// administrator rights.
func openAsUser(ctx context.Context, d disk.Device) (tui.Card, error) {
	f, err := grant.OpenDirect(d)
	if errors.Is(err, fs.ErrPermission) {
		f, err = openByDesktop(ctx, d)
	}
	var no *grant.Refused
	if errors.As(err, &no) {
		return nil, &exit{refused, err}
	}
	if err != nil {
		return nil, err
	}
	c, err := apart.Start(f, self(), cardPart)
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
		return nil, &grant.Denied{Why: "the password was not given", Todo: "Choose the card again, and type the password when the window asks for it."}
	}
	slog.Info("the disk service does not open the card", "error", err)
	return nil, errors.Join(fs.ErrPermission, err)
}
