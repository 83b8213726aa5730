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
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/cmd/piwiz/quiet"
	"piwiz/flash/apart"
	"piwiz/flash/crash"
	"piwiz/flash/grant"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/nix"
)

func main() {
	quiet.Undo()
	noCore()
	// The privileged half is reached before anything else is set up: what
	// runs as root does only what it must.
	if len(os.Args) > 1 && os.Args[1] == "grant" {
		if slices.Equal(os.Args[2:], []string{"emulation"}) {
			os.Exit(part(func() int { return emulate.Serve(os.Stdin, os.Stderr) }))
		}
		os.Exit(part(func() int { return grant.Serve(os.Args[2:], os.Stdin, os.Stderr) }))
	}
	if len(os.Args) > 1 && os.Args[1] == engine.CardPart {
		defer logToFile()()
		os.Exit(part(func() int { return apart.Serve(int(os.Stdin.Fd()), os.Stderr) }))
	}
	os.Exit(run(func(ctx context.Context, p *program) error { return p.command().ExecuteContext(ctx) }))
}

// part runs one of the parts that piwiz starts by itself: those that hold a
// card or read root's files.
func part(serve func() int) (code int) {
	shut()
	if err := crash.Try(func() error { code = serve(); return nil }); err != nil {
		tell("piwiz: " + err.Error())
		return failed
	}
	return code
}

// run runs do and tells how it ended. The context that do gets ends with SIGTERM,
// with SIGHUP unless somebody (nohup) wants that ignored, and when nobody reads
// what is printed any more.
func run(do func(context.Context, *program) error) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ends := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, ends...)
	defer stop()
	// A signal that is caught does not end the process, and unlike an ignored
	// one it is not inherited: a write to a closed pipe is an error then.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	defer logToFile()()
	if err := nix.Reach(); err != nil {
		slog.Info("the places of Nix are not in PATH", "error", err)
	}
	p := &program{out: &output{Writer: os.Stdout, closed: cancel}}
	err := crash.Try(func() error { return do(ctx, p) })
	if err == nil {
		err = ctx.Err()
	}
	return p.end(err)
}

// output tells when nobody reads it any more.
type output struct {
	io.Writer
	closed func()
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil {
		o.closed()
	}
	return n, err
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "piwiz",
		Short: "Make an SD card for a Raspberry Pi with NixOS that answers as HOST.local",
		Long: "piwiz asks what the Raspberry Pi shall be, builds a NixOS image for it, writes\n" +
			"the card, verifies it, and waits until the Pi answers as HOST.local over SSH.\n" +
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
	root.PersistentFlags().StringVar(&p.set.Nixpkgs, "nixpkgs", "", "build from this nixpkgs flake, e.g. path:/home/me/nixpkgs, instead of the pinned release")
	root.PersistentFlags().StringVar(&p.set.Builder, "builder", "", "where the image is built: local, ssh://USER@HOST[,ssh://...], container, docker or podman, each with :IMAGE for another image with Nix; without it, what works here")
	p.emmcFlag(root)
	root.Flags().StringVar(&p.set.AnyDisk, "any-disk", "", "offer this disk too though it is no SD card, such as an SD Express card: /dev/nvme1n1; never what this computer runs from")
	root.AddCommand(p.checkVerb(), p.renderVerb(), p.buildVerb(), p.cardsVerb(), p.flashVerb(), p.waitVerb(), p.hostsVerb())
	return root
}
