package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"piwiz/flash/disk"
	"piwiz/flash/grant"
	"piwiz/nixgen/wifi"
	"piwiz/tui"
)

// cardGrant fits the privileged opener to the wizard.
type cardGrant struct {
	grant.Opener
}

func newCardGrant(d disk.Device) *cardGrant {
	return &cardGrant{grant.Opener{Device: d, Self: self()}}
}

// Run gives a refused card its exit code.
func (g *cardGrant) Run() error {
	err := g.Opener.Run()
	var no *grant.Refused
	if errors.As(err, &no) {
		return &exit{refused, err}
	}
	return err
}

func (g *cardGrant) Card() tui.Card { return grantedCard{g} }

// grantedCard closes the descriptor and then ends the privileged half, which
// lets the kernel read the new partition table.
type grantedCard struct{ g *cardGrant }

func (c grantedCard) ReadAt(b []byte, off int64) (int, error)  { return c.g.File().ReadAt(b, off) }
func (c grantedCard) WriteAt(b []byte, off int64) (int, error) { return c.g.File().WriteAt(b, off) }
func (c grantedCard) Sync() error                              { return c.g.File().Sync() }
func (c grantedCard) Close() error                             { return c.g.Close() }

// wifiGrant fits the privileged reader to the wizard.
type wifiGrant struct {
	grant.WifiReader
}

func (g *wifiGrant) Networks() ([]wifi.Network, []error) {
	found, problems := wifi.FromFiles(g.Files())
	left := g.LeftOut()
	for _, file := range slices.Sorted(maps.Keys(left)) {
		problems = append(problems, wifi.Problem{File: file, Err: errors.New(left[file])})
	}
	return sorted(context.Background(), found), errorsOf(problems)
}
