package main

import (
	"context"

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
	return sorted(context.Background(), found), errorsOf(problems)
}
