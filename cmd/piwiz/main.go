// Command piwiz makes an SD card for a Raspberry Pi that runs NixOS, and waits
// until the Pi answers under its name, with a host key known beforehand.
//
// Without a verb it is a wizard. Every verb is one call of the same engine.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused for safety, 4 this
// computer lacks something, 130 cancelled.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/quiet"
	"piwiz/flash/apart"
	"piwiz/flash/grant"
	"piwiz/nixgen/emulate"
	"piwiz/tui"
)

func main() {
	quiet.Undo()
	// The privileged half is reached before anything else is set up: what
	// runs as root does only what it must.
	if len(os.Args) > 1 && os.Args[1] == "grant" {
		if slices.Equal(os.Args[2:], []string{"emulation"}) {
			os.Exit(emulate.Serve(os.Stdin, os.Stderr))
		}
		os.Exit(grant.Serve(os.Args[2:], os.Stdin, os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == cardPart {
		os.Exit(apart.Serve(int(os.Stdin.Fd()), os.Stderr))
	}
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer logToFile()()
	p := &program{out: os.Stdout}
	return p.end(p.command().ExecuteContext(ctx))
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "piwiz",
		Short: "Make an SD card for a Raspberry Pi with NixOS that answers as HOST.local",
		Long: "piwiz asks what the Raspberry Pi shall be, builds a NixOS image for it, writes\n" +
			"the card, proves it, and waits until the Pi answers as HOST.local over SSH.\n" +
			"Without a verb it starts the wizard; each verb does one step of it.\n\n" +
			"Exit codes: 0 done · 1 failed · 2 wrong usage · 3 refused for safety ·\n" +
			"4 this computer lacks something · 130 cancelled",
		Version: version(),
		Example: "  piwiz\n  piwiz build bach && piwiz flash bach /dev/sdb && piwiz wait bach",
		Args: func(c *cobra.Command, a []string) error {
			if err := cobra.NoArgs(c, a); err != nil {
				return &exit{usage, fmt.Errorf("%w; `piwiz --help` lists the verbs", err)}
			}
			return nil
		},
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(c *cobra.Command, _ []string) error { return p.wizard(c.Context()) },
	}
	root.SetFlagErrorFunc(badFlag)
	root.PersistentFlags().BoolVar(&p.json, "json", false, "one JSON object per line instead of text")
	root.PersistentFlags().StringVar(&p.nixpkgs, "nixpkgs", "", "build from this nixpkgs flake, e.g. path:/home/me/nixpkgs, instead of the pinned release")
	root.PersistentFlags().StringVar(&p.builder, "builder", "", "where the image is built: local, ssh://USER@HOST[,ssh://...], container, docker or podman, each with :IMAGE for another image with Nix; without it, what works here")
	p.emmcFlag(root)
	root.Flags().StringVar(&p.anyDisk, "any-disk", "", "offer this disk too though it is no SD card, such as an SD Express card: /dev/nvme1n1; never what this computer runs from")
	root.AddCommand(p.checkVerb(), p.renderVerb(), p.buildVerb(), p.cardsVerb(), p.flashVerb(), p.waitVerb(), p.hostsVerb())
	return root
}

func (p *program) wizard(ctx context.Context) error {
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return &exit{usage, errors.New("the wizard needs a terminal to ask its questions; in a script use the verbs, which `piwiz --help` lists")}
	}
	// In raw mode ^C is a key. During a password prompt it is a signal for
	// the prompt alone; it must not end the wizard behind it.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	if p.anyDisk != "" { // what it cannot do it says at once, not after an hour
		if _, err := p.findCard(ctx, p.anyDisk, true, "piwiz --any-disk"); err != nil {
			return err
		}
	}
	p.emulator.Self = self()
	e, err := p.engine()
	if err != nil {
		return err
	}
	return errors.Join(tui.Run(ctx, e, os.Stdin, os.Stdout), p.emulator.Close())
}
