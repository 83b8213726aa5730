package build

import (
	"context"
	"runtime"
	"strings"

	"piwiz/nixgen/build/remote"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/nix"
)

// Builder is where an image is built. The zero Builder is the Nix of this
// computer, as it is set up.
type Builder struct {
	machines []remote.Machine
	alone    bool // nothing is built on this computer
	sentence string
}

// String says in one sentence where the image is built, and why there.
func (b Builder) String() string { return b.sentence }

// Choose finds the builder that wish names, and proves that it works:
//
//	""                         whatever works here: this computer, else a container
//	local                      Nix on this computer, as it is set up
//	ssh://USER@HOST[,ssh://…]  Nix on other computers; with local among them on this one too
//
// The error has hints.
func Choose(ctx context.Context, wish string) (Builder, error) {
	switch {
	case wish == "":
		return automatic(ctx)
	case wish == "local":
		return local("you chose it"), nix.Check(ctx)
	case strings.Contains(wish, "ssh"):
		return others(ctx, strings.Split(wish, ","))
	}
	return Builder{}, &Error{
		Headline: "There is no builder called " + wish + ".",
		hints:    []string{"The builders are: local, ssh://USER@HOST"},
	}
}

func automatic(ctx context.Context) (Builder, error) {
	err := nix.Check(ctx)
	if err != nil {
		return Builder{}, err
	}
	if runtime.GOARCH == "arm64" {
		return local("its own processor is of the Raspberry Pi's kind"), nil
	}
	if err := emulate.Check(ctx); err != nil {
		return Builder{}, err
	}
	return local("Nix is here, and the Raspberry Pi's processor is emulated"), nil
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

// run lets the builder's nix work on r, with more arguments. The error is that
// of nix.Run, or one with hints.
func (b Builder) run(ctx context.Context, r Request, w *watch, more ...string) error {
	c := nix.Command{Args: append(arguments(r), more...), LogFile: r.LogFile}
	if len(b.machines) > 0 {
		c.Args, c.Env = append(c.Args, remote.Args(b.machines, b.alone)...), remote.Env()
	}
	_, err := nix.Run(ctx, c, w.event)
	return err
}
