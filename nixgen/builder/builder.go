package builder

import (
	"context"
	"runtime"
	"strings"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/builder/remote"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/preflight"
)

// Builder is where an image is built. The zero Builder is the Nix of this
// computer, as it is set up.
type Builder struct {
	machines []remote.Machine
	alone    bool              // nothing is built on this computer
	engine   *container.Engine // of a container, nil for none
	sentence string
}

// String says in one sentence where the image is built, and why there.
func (b Builder) String() string { return b.sentence }

// where is that for package diagnose.
func (b Builder) where() diagnose.Where {
	w := diagnose.Where{Mixed: !b.alone && len(b.machines) > 0}
	for _, m := range b.machines {
		w.Hosts = append(w.Hosts, m.Host())
	}
	if b.engine != nil {
		w.Engine = b.engine.Name
	}
	return w
}

// Here says whether it is the Nix of this computer that starts the build.
func (b Builder) Here() bool { return b.engine == nil }

// Choose finds the builder that wish names, and proves that it works:
//
//	""                         whatever works here: this computer, else a container
//	local                      Nix on this computer, as it is set up
//	ssh://USER@HOST[,ssh://…]  Nix on other computers; with local among them on this one too
//	container                  Nix in a container of docker or podman, whichever answers
//	docker, podman             one of these; :IMAGE[,IMAGE] after it names other images
//
// The error has hints.
func Choose(ctx context.Context, wish string) (Builder, error) {
	switch {
	case wish == "":
		return automatic(ctx)
	case wish == "local":
		return local("you chose it"), nix.Check(ctx)
	case container.Is(wish):
		return boxed(ctx, wish, "you chose it")
	case strings.Contains(wish, "://"):
		return others(ctx, strings.Split(wish, ","))
	}
	return Builder{}, &Error{
		Headline: "There is no builder called " + wish + ".",
		Todo:     []string{"The builders are: local, ssh://USER@HOST, container, docker, podman"},
	}
}

func automatic(ctx context.Context) (Builder, error) {
	here := nix.Check(ctx)
	why := "its own processor is of the Raspberry Pi's kind"
	if here == nil && runtime.GOARCH != "arm64" {
		here, why = emulate.Check(ctx), "Nix is here, and the Raspberry Pi's processor is emulated"
	}
	if here == nil {
		_, here = preflight.This().Platform(ctx)
	}
	if here == nil {
		return local(why), nil
	}
	if ctx.Err() != nil {
		return Builder{}, ctx.Err()
	}
	missing, _, _ := strings.Cut(here.Error(), "\n")
	b, err := Instead(ctx, strings.TrimSuffix(missing, "."))
	if err != nil {
		// Nix is what a person who has neither is better off with.
		return Builder{}, here
	}
	return b, nil
}

// Instead is a container of docker or podman, whichever answers, because of what
// does not work here: part of a sentence.
func Instead(ctx context.Context, because string) (Builder, error) {
	return boxed(ctx, "container", because+", but a container can do it")
}

func local(why string) Builder {
	return Builder{sentence: "The image is built on this computer: " + why + "."}
}

func others(ctx context.Context, names []string) (Builder, error) {
	b := Builder{alone: true}
	var hosts []string
	for _, name := range names {
		if name == "local" {
			b.alone = false
			continue
		}
		m, err := remote.Parse(name)
		if err != nil {
			return Builder{}, err
		}
		b.machines, hosts = append(b.machines, m), append(hosts, m.Host())
	}
	if !b.alone {
		hosts = append(hosts, "this computer")
	}
	b.sentence = "The image is built on " + strings.Join(hosts, " and ") + ": you chose it."
	if err := nix.Check(ctx); err != nil {
		return Builder{}, err
	}
	return b, remote.Check(ctx, b.machines)
}

func boxed(ctx context.Context, wish, why string) (Builder, error) {
	e, err := container.Find(ctx, wish)
	return Builder{engine: &e, sentence: "The image is built in a container of " + e.Name + ": " + why + "."}, err
}

// run lets the builder's nix work on r, with more arguments. The error is that
// of nix.Run, or one with hints.
func (b Builder) run(ctx context.Context, r Request, w *follow.Watch, more ...string) error {
	if b.engine != nil {
		return b.runBoxed(ctx, r, w, more...)
	}
	c := nix.Command{Args: append(arguments(r), more...), LogFile: r.jsonFile(), LogMost: mostJSON}
	if len(b.machines) > 0 {
		c.Args, c.Env = append(c.Args, remote.Args(b.machines, b.alone)...), remote.Env()
	}
	_, err := nix.Run(ctx, c, w.Event)
	return err
}
