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
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"piwiz/cmd/piwiz/engine"
	"piwiz/cmd/piwiz/quiet"
	"piwiz/flash/cardproc"
	"piwiz/flash/crash"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/nix"
)

func main() {
	quiet.Undo()
	// The part that enters the namespace of piwiz's own Nix must be neither shut
	// nor slow: it sets up nothing else, and does not come back.
	ownnix.Inside()
	noCore()
	// The privileged half is reached before anything else is set up: what
	// runs as root does only what it must.
	if len(os.Args) > 1 && os.Args[1] == "grant" {
		os.Exit(part(func() int { return operations.Serve(os.Args[2:], os.Stdin, os.Stderr) }))
	}
	if len(os.Args) > 1 && os.Args[1] == engine.CardPart {
		done, _ := logToFile() // the program that started it tells
		defer done()
		os.Exit(part(func() int { return cardproc.Serve(int(os.Stdin.Fd()), os.Stderr) }))
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
	done, unlogged := logToFile()
	defer done()
	if err := nix.Reach(); err != nil {
		slog.Info("the folders of Nix are not in PATH", "error", err)
	}
	p := &program{unlogged: unlogged, out: &output{Writer: os.Stdout, closed: cancel}}
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
