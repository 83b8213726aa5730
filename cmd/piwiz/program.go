package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/crash"
	"piwiz/flash/regular"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/tui/clean"
)

// program is what all verbs share.
type program struct {
	json bool
	out  io.Writer
	set  engine.Options
}

// verb wraps the run function of a verb: ^C cancels it, and an argument error
// counts as wrong usage.
func verb(c *cobra.Command, args cobra.PositionalArgs, run func(context.Context, []string) error) *cobra.Command {
	c.Args = func(c *cobra.Command, a []string) error {
		if args(c, a) == nil {
			return nil
		}
		example, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n")
		return &exit{usage, fmt.Errorf("this is not how %s is used\nUsage: %s\nFor example: %s", c.Name(), c.UseLine(), example)}
	}
	c.RunE = func(c *cobra.Command, a []string) error {
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt)
		defer stop()
		err := run(ctx, a)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Canceled, err)
		}
		return err
	}
	return c
}

// engine is what does the steps, as the options say.
func (p *program) engine() (*engine.Engine, error) {
	e, err := engine.New()
	if err == nil {
		e.Options = p.set
	}
	return e, err
}

// steps gives a verb the engine.
func (p *program) steps(run func(context.Context, *engine.Engine, []string) error) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		e, err := p.engine()
		if err != nil {
			return err
		}
		return run(ctx, e, args)
	}
}

func badFlag(c *cobra.Command, err error) error {
	return &exit{usage, fmt.Errorf("%w; `%s --help` lists the options", err, c.CommandPath())}
}

// nothing says why there is nothing to list, where it cannot be taken for a
// line of the list.
func (p *program) nothing(text string) {
	if !p.json {
		tell(text)
	}
}

// file prints a file. Only a terminal gets it cleaned: elsewhere every byte
// counts.
func (p *program) file(f nixgen.File) {
	text := "# ---- " + f.Name + "\n" + f.Text
	if !p.json && !term.IsTerminal(os.Stdout.Fd()) {
		fmt.Fprintln(p.out, text)
		return
	}
	p.say("file", map[string]any{"name": f.Name, "text": f.Text, "yours": f.Once}, text)
}

// tell prints what is not part of the output: questions, what is about to be
// run, errors.
func tell(text string) { fmt.Fprintln(os.Stderr, clean.Text(text)) }

// version is what this program was built from, as the go command noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "of unknown version"
	}
	return info.Main.Version
}

// line prints one JSON object: {"event": kind, ...value}.
func (p *program) line(kind string, value map[string]any) {
	value["event"] = kind
	b, err := json.Marshal(value)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"event": "error", "error": err.Error()})
	}
	fmt.Fprintf(p.out, "%s\n", clean.JSON(b))
}

// say prints an event as JSON or as its sentence.
func (p *program) say(kind string, value map[string]any, text string) {
	if p.json {
		p.line(kind, value)
	} else if text != "" {
		fmt.Fprintln(p.out, clean.Text(text))
	}
}

// host finds the host that a verb is about: the name of a saved host, or a
// file of answers (NAME.toml), which is then saved under its host's name.
func (p *program) host(ctx context.Context, store hostfile.Store, arg string) (hostfile.Saved, error) {
	if !strings.HasSuffix(arg, ".toml") {
		return store.Load(arg)
	}
	f, err := regular.Open(ctx, arg)
	if err != nil {
		return hostfile.Saved{}, fmt.Errorf("read the answers: %w", err)
	}
	defer f.Close()
	h, err := hostfile.ReadAnswers(f)
	if err != nil {
		return hostfile.Saved{}, fmt.Errorf("%s: %w", arg, err)
	}
	saved, err := store.Load(h.Name) // its secrets go on being used
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hostfile.Saved{}, err
	}
	if err != nil { // it is a new one
		if err := newName(h.Name); err != nil {
			return hostfile.Saved{}, &engine.Refused{Err: fmt.Errorf("%s: %w", arg, err)}
		}
	}
	h.HostKey = saved.Host.HostKey
	saved.Host = h.Inherit(saved.Host)
	return saved, nil
}

// logToFile sends the log to a file that only the user can read, because
// nothing may write to the terminal while the wizard is up.
func logToFile() (done func()) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dir := engine.StateDir()
	if dir == "" {
		return func() {}
	}
	f, err := os.OpenFile(filepath.Join(dir, "piwiz.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return func() {}
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(f, nil)))
	_ = crash.LogTo(f) // without it a fatal error is on the terminal alone
	slog.Info("start", "args", len(os.Args)-1)
	return func() { _ = f.Close() }
}
