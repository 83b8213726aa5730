package builder

import (
	"context"
	"runtime"
	"strings"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/remote"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/preflight"
)

// Builder is where images are built. One takes orders and reports to a watch, so
// its package needs nothing of this one.
type Builder interface {
	// String says in one sentence where the image is built, and why there.
	String() string
	// Here says whether it is the Nix of this computer that starts the build.
	Here() bool
	// Where is that for the explanation of a failure.
	Where() diagnose.Where
	// Build lets nix work on o, so that o.OutLink leads to the result (see Built).
	// The watch hears all that nix says. The error is that of nix.Run, or one with
	// hints.
	Build(ctx context.Context, o order.Order, w *follow.Watch) error
}

// Names are those of all builders, for people.
const Names = "local, ssh://USER@HOST[,ssh://...], container, docker or podman, each with :IMAGE for another image with Nix"

// Choose finds the builder that wish names, and verifies that it works:
//
//	""                         whatever works here: this computer, else a container
//	local                      Nix on this computer, as it is set up
//	ssh://USER@HOST[,ssh://…]  Nix on other computers; with local among them on this one too
//	container                  Nix in a container of docker or podman, whichever answers
//	docker, podman             one of these; :IMAGE[,IMAGE] after it names other images
//
// The error has hints.
func Choose(ctx context.Context, wish string) (Builder, error) {
	const why = "you chose it"
	switch {
	case wish == "":
		return automatic(ctx)
	case wish == "local":
		return working(here(why), nix.Check(ctx))
	case container.Is(wish):
		return working(container.Find(ctx, wish, why))
	case remote.Is(wish):
		return working(remote.Find(ctx, wish, why))
	}
	return nil, &Error{
		Headline: "There is no builder called " + wish + ".",
		Todo:     []string{"The builders are: " + Names},
	}
}

// working is b, or none at all when it does not work.
func working[B Builder](b B, err error) (Builder, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

func automatic(ctx context.Context) (Builder, error) {
	lacks := nix.Check(ctx)
	why := "its processor is of the same type as the Raspberry Pi's"
	if lacks == nil && runtime.GOARCH != "arm64" {
		lacks, why = emulate.Check(ctx), "Nix is here, and the Raspberry Pi's processor is emulated"
	}
	if lacks == nil {
		_, lacks = preflight.This().Platform(ctx)
	}
	if lacks == nil {
		return here(why), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	missing, _, _ := strings.Cut(lacks.Error(), "\n")
	b, err := Instead(ctx, strings.TrimSuffix(missing, "."))
	if err != nil {
		// Nix is what a person who has neither is better off with.
		return nil, lacks
	}
	return b, nil
}

// Instead is a container of docker or podman, whichever answers, because of what
// does not work here: part of a sentence.
func Instead(ctx context.Context, because string) (Builder, error) {
	return working(container.Find(ctx, "container", because+", but a container can do it"))
}
