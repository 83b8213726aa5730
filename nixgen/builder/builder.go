package builder

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/builder/remote"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/osrelease"
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
const Names = "local, own, ssh://USER@HOST[,ssh://...], container, docker or podman, each with :IMAGE for another image with Nix"

// Wish is what a user says about the builder.
type Wish struct {
	Builder string     // see Choose
	Own     ownnix.Nix // piwiz's own Nix; one without a folder is not offered
}

// Chosen is a builder, nil when none was found, and what speaks against those
// that come before it.
type Chosen struct {
	Builder
	NotHere error // why the Nix of this computer is not used, nil when that was not asked
	NotOwn  error // why piwiz's own Nix does not run here, likewise
}

// Choose finds the builder that a wish names, and verifies that it works:
//
//	""                         whatever works here; the order is below
//	local                      Nix on this computer, as it is set up
//	own                        a Nix that piwiz brings along, in a folder of its own
//	ssh://USER@HOST[,ssh://…]  Nix on other computers; with local among them on this one too
//	container                  Nix in a container of docker or podman, whichever answers
//	docker, podman             one of these; :IMAGE[,IMAGE] after it names other images
//
// Without a name the first of these is taken: the Nix of this computer, if it
// builds for the Pi as it is, without the administrator; piwiz's own, where the
// kernel allows that; a container engine that answers. Another computer must be
// named. The error has hints.
func Choose(ctx context.Context, wish Wish) (Chosen, error) {
	const why = "you chose it"
	switch name := wish.Builder; {
	case name == "":
		return automatic(ctx, wish.Own)
	case name == "local":
		return working(here(why), nix.Check(ctx))
	case name == "own":
		return working(own(ctx, wish.Own, why))
	case container.Is(name):
		return working(container.Find(ctx, name, why))
	case remote.Is(name):
		return working(remote.Find(ctx, name, why))
	}
	return Chosen{}, &Error{
		Headline: "There is no builder called " + wish.Builder + ".",
		Todo:     []string{"The builders are: " + Names},
	}
}

// working is b, or none at all when it does not work.
func working[B Builder](b B, err error) (Chosen, error) {
	if err != nil {
		return Chosen{}, err
	}
	return Chosen{Builder: b}, nil
}

// own is piwiz's own Nix.
func own(ctx context.Context, n ownnix.Nix, why string) (*ownnix.Builder, error) {
	if n.Dir == "" {
		var err error
		if n.Dir, err = ownnix.Folder(); err != nil {
			return nil, err
		}
	}
	return ownnix.Find(ctx, n, why)
}

// offered says whether piwiz's own Nix is among what is chosen from. NixOS has one
// that works, and its certificates and names are links into a store that would be
// hidden.
func offered(n ownnix.Nix, on osrelease.System) bool { return n.Dir != "" && !on.Is("nixos") }

func automatic(ctx context.Context, n ownnix.Nix) (Chosen, error) {
	why, lacks := usable(ctx)
	if lacks == nil {
		return Chosen{Builder: here(why)}, nil
	}
	if ctx.Err() != nil {
		return Chosen{}, ctx.Err()
	}
	missing, _, _ := strings.Cut(lacks.Error(), "\n")
	c, err := Instead(ctx, n, strings.TrimSuffix(missing, "."))
	c.NotHere = lacks
	switch {
	case err == nil, ctx.Err() != nil:
		return c, err
	case c.NotOwn == nil || !errors.Is(lacks, nix.ErrNotFound):
		// To fix what is there is what a person is better off with.
		return c, lacks
	}
	return c, neither(c.NotOwn)
}

// usable says why the Nix of this computer can be used as it is, or what it lacks.
func usable(ctx context.Context) (why string, lacks error) {
	lacks, why = nix.Check(ctx), "its processor is of the same type as the Raspberry Pi's"
	if lacks == nil && runtime.GOARCH != "arm64" {
		lacks, why = emulate.Check(ctx), "Nix is here, and the Raspberry Pi's processor is emulated"
	}
	if lacks == nil {
		_, lacks = preflight.This().Platform(ctx)
	}
	return why, lacks
}

// neither is that nothing here builds. To let piwiz's own Nix run is usually one
// command, and less than to install one.
func neither(notOwn error) error {
	e := &fault.Error{
		Lacks: true, Headline: "Nix is not installed on this computer, and piwiz's own copy of it cannot run here.",
		Why: notOwn.Error(), Err: notOwn,
	}
	if told, ok := errors.AsType[fault.Told](notOwn); ok {
		e.Todo = slices.Clone(told.Hints())
	}
	e.Todo = append(e.Todo, "Or install Docker or podman, or Nix: piwiz check --builder local shows how.",
		"Or build on another computer that has Nix: --builder ssh://USER@HOST")
	return e
}

// Instead is piwiz's own Nix, else a container of docker or podman, whichever
// answers, because of what does not work here: part of a sentence.
func Instead(ctx context.Context, n ownnix.Nix, because string) (c Chosen, err error) {
	if offered(n, osrelease.Read("/")) {
		b, err := own(ctx, n, because)
		if err == nil || ctx.Err() != nil {
			return working(b, err)
		}
		c.NotOwn = err
		because += ", and piwiz's own Nix cannot run here"
	}
	boxed, err := working(container.Find(ctx, "container", because+", but a container can do it"))
	c.Builder = boxed.Builder
	return c, err
}
