package builder

import (
	"context"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// local is the Nix of this computer, as it is set up. It is what it says of
// itself.
type local string

func here(why string) local { return local("The image is built on this computer: " + why + ".") }

func (l local) String() string      { return string(l) }
func (local) Here() bool            { return true }
func (local) Where() diagnose.Where { return diagnose.Where{} }

func (local) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	_, err := nix.Run(ctx, o.Command(), w.Event)
	return err
}
