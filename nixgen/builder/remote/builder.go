package remote

import (
	"context"
	"strings"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// Builder is the Nix of this computer, which lets others build.
type Builder struct {
	Machines []Machine
	Alone    bool   // nothing is built on this computer
	Why      string // there: part of a sentence
}

// Is says whether wish names other computers: URLs, with commas between them.
func Is(wish string) bool { return strings.Contains(wish, "://") }

// Find takes the computers that wish names, and verifies that each builds;
// with local among them this one builds too. The error has hints, or is ctx's.
func Find(ctx context.Context, wish, why string) (Builder, error) {
	b := Builder{Alone: true, Why: why}
	for name := range strings.SplitSeq(wish, ",") {
		if name == "local" {
			b.Alone = false
			continue
		}
		m, err := parse(name)
		if err != nil {
			return Builder{}, err
		}
		b.Machines = append(b.Machines, m)
	}
	if err := nix.Check(ctx); err != nil {
		return Builder{}, err
	}
	return b, verify(ctx, b.Machines)
}

func (b Builder) hosts() (hosts []string) {
	for _, m := range b.Machines {
		hosts = append(hosts, m.Host())
	}
	return hosts
}

// String says where the image is built, and why there.
func (b Builder) String() string {
	hosts := b.hosts()
	if !b.Alone {
		hosts = append(hosts, "this computer")
	}
	return "The image is built on " + strings.Join(hosts, " and ") + ": " + b.Why + "."
}

// Here is true: it is the Nix of this computer that starts the build.
func (b Builder) Here() bool { return true }

// Where is that for the explanation of a failure.
func (b Builder) Where() diagnose.Where { return diagnose.Where{Hosts: b.hosts(), Mixed: !b.Alone} }

// Build lets the machines build.
func (b Builder) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	c := o.Command()
	c.Args, c.Env = append(c.Args, options(b.Machines, b.Alone)...), environ()
	_, err := nix.Run(ctx, c, w.Event)
	return err
}
