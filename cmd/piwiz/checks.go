package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/firstboot/resolver"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/preflight"
	"piwiz/tui"
	"piwiz/tui/clean"
)

// checks are the lines of the check page, with r, and of the check verb.
func checks(store hostfile.Store, r *emulate.Registrar) []tui.Check {
	c := preflight.This()
	one := func(name string, look func(context.Context) (string, error)) tui.Check {
		return tui.Check{Name: name, Run: func(ctx context.Context) tui.Finding { return finding(look(ctx)) }}
	}
	trial := one("test build", c.Trial)
	trial.Last = true
	return []tui.Check{
		one("nix", c.Nix),
		one("nix service", c.Daemon),
		one("permission", c.Platform),
		{Name: "emulation", Run: func(ctx context.Context) tui.Finding { return emulation(ctx, r) }},
		one("room", c.Room),
		one("memory", c.Memory),
		one("cache", func(ctx context.Context) (string, error) { return preflight.Cache(ctx, preflight.CacheInfo) }),
		{Name: "names", Run: names},
		one("settings", func(context.Context) (string, error) { return "Your settings can be saved.", writable(store.Dir) }),
		one("place", func(context.Context) (string, error) { return guessed(), nil }),
		trial,
	}
}

// finding turns a leaf's answer into a line of the page.
func finding(found string, err error) tui.Finding {
	var p *preflight.Problem
	switch {
	case err == nil:
		return tui.Finding{State: tui.OK, What: found}
	case errors.Is(err, preflight.ErrEarlier):
		return tui.Finding{State: tui.Skipped, What: err.Error()}
	case errors.As(err, &p):
		f := tui.Finding{State: tui.Failure, What: p.Headline, Why: p.Why, Todo: p.Todo, Command: p.Command}
		if p.Warning {
			f.State = tui.Warning
		}
		return f
	}
	what, todo := tui.Explain(err)
	f := tui.Finding{State: tui.Failure, What: what}
	// The hints that are commands come first and can be run as they are.
	n := slices.IndexFunc(todo, func(h string) bool { return !strings.HasPrefix(h, "sudo ") })
	if n < 0 {
		n = len(todo)
	}
	f.Command, f.Todo = strings.Join(todo[:n], " && "), todo[n:]
	return f
}

func guessed() string {
	h, country := guess(), "country not known"
	if h.Country != "" {
		country = "country " + h.Country
	}
	return fmt.Sprintf("Guessed: time zone %s, %s, language %s.", h.TimeZone, country, strings.TrimSuffix(h.Locale, ".UTF-8"))
}

// names says whether ssh will find the Pi by its name. It is a warning: the
// wizard finds it all the same, and shows a command that works.
func names(ctx context.Context) tui.Finding {
	r := resolver.Look(ctx, osrelease.Read("/").Is)
	if r == nil {
		return tui.Finding{State: tui.OK, What: "This computer looks up names in .local on the network."}
	}
	return tui.Finding{
		State: tui.Warning, What: r.Reason, Command: r.Command, Todo: r.Todo,
		Why: "Without that, you will log in with the address of the Pi, which can change; piwiz shows you how.",
	}
}

// writable says whether this user may write into dir, or into the nearest
// folder above that exists: nothing is made yet.
func writable(dir string) error {
	for {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return &preflight.Problem{
				Headline: "Your settings cannot be saved: " + dir + ": " + err.Error() + ".",
				Why:      "What you answer and the keys of your Raspberry Pi are kept there.",
				Todo:     []string{"Make that folder yours, or choose another: XDG_DATA_HOME=FOLDER piwiz"}, Err: err,
			}
		}
		dir = filepath.Dir(dir)
	}
}

func (p *program) checkVerb() *cobra.Command {
	deep := false
	c := verb(&cobra.Command{
		Use: "check", Short: "Say whether this computer can build the image, and what is missing",
		Example: "  piwiz check\n  piwiz check --deep --json",
	}, cobra.NoArgs, stored(func(ctx context.Context, store hostfile.Store, _ []string) error {
		bad := 0
		for name, f := range findings(ctx, p.checks(store, nil), deep) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if f.State == tui.Failure {
				bad++
			}
			p.say("check", map[string]any{
				"name": name, "state": f.State, "what": f.What, "why": f.Why, "todo": append([]string{}, f.Todo...), "command": f.Command,
			}, lines(f))
		}
		if bad > 0 {
			return tui.NotReady{Missing: bad}
		}
		return nil
	}))
	c.Flags().BoolVar(&deep, "deep", false, "try a test build even when something else is missing")
	return c
}

// findings runs the checks side by side and yields their findings in order.
// The last ones are asked if deep, or if none of the others failed.
func findings(ctx context.Context, all []tui.Check, deep bool) func(yield func(string, tui.Finding) bool) {
	return func(yield func(string, tui.Finding) bool) {
		answers := make([]chan tui.Finding, len(all))
		for i, c := range all {
			answers[i] = make(chan tui.Finding, 1)
			if !c.Last {
				var f tui.Finding
				crash.Go(func() error { f = c.Run(ctx); return nil }, func(err error) {
					if err != nil {
						f = finding("", err)
					}
					answers[i] <- f
				})
			}
		}
		bad := false
		for i, c := range all {
			var f tui.Finding
			switch {
			case !c.Last:
				f = <-answers[i]
			case bad && !deep:
				f = tui.Finding{State: tui.Skipped, What: "The " + c.Name + " waits until what is missing is fixed."}
			default:
				f = c.Run(ctx)
			}
			bad = bad || f.State == tui.Failure
			if !yield(c.Name, f) {
				return
			}
		}
	}
}

func lines(f tui.Finding) string {
	sign := map[tui.State]string{tui.OK: "ok      ", tui.Warning: "WARNING ", tui.Failure: "MISSING ", tui.Skipped: "        "}[f.State]
	out := []string{f.What}
	if f.Why != "" {
		out = append(out, strings.Split(f.Why, "\n")...)
	}
	if f.Command != "" {
		out = append(out, "Run: "+f.Command)
	}
	out = append(out, f.Todo...)
	return sign + strings.Join(out, "\n        ")
}

// repair prepares the command of a finding; the one that registers the emulator
// lasts as long as the wizard.
func (p *program) repair(command string) tea.ExecCommand {
	if command == p.emulator.Command() {
		return &p.emulator
	}
	return &repair{command: command}
}

// repair runs the command of a finding on the terminal, as it was shown.
type repair struct {
	command  string
	in       io.Reader
	out, err io.Writer
}

func (r *repair) SetStdin(in io.Reader)   { r.in = in }
func (r *repair) SetStdout(out io.Writer) { r.out = out }
func (r *repair) SetStderr(err io.Writer) { r.err = err }

// Run says in its error how the command ended, and the last line of what it
// complained about.
func (r *repair) Run() error {
	fmt.Fprintf(r.out, "\n$ %s\n\n", clean.Text(r.command))
	said := &lastLine{Writer: r.err}
	cmd := exec.Command("sh", "-c", r.command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.in, r.out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.WaitDelay = time.Second // a service that it started may hold standard error
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &ended) && ended.Exited():
		return said.with(fmt.Sprintf("The command failed with exit code %d", ended.ExitCode()))
	}
	return said.with("The command did not finish (" + err.Error() + ")")
}

// lastLine passes on what is written, and keeps the end of it.
type lastLine struct {
	io.Writer
	end []byte
}

// longest is how much of a line is kept, in bytes.
const longest = 400

func (l *lastLine) Write(b []byte) (int, error) {
	l.end = append(l.end, b...)
	l.end = l.end[max(len(l.end)-longest, 0):]
	return l.Writer.Write(b)
}

// with adds the last line to a sentence.
func (l *lastLine) with(what string) error {
	text := strings.TrimSpace(nix.Clean(string(l.end)))
	if text = text[strings.LastIndexByte(text, '\n')+1:]; text == "" {
		return errors.New(what + ".")
	}
	return errors.New(what + ": " + strings.ToValidUTF8(text, ""))
}
