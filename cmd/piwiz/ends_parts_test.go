package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
	"piwiz/tui"
)

// testParts are what the test program runs as piwiz does, by name: through run,
// as main does.
var testParts = map[string]func(context.Context, *program) error{
	"save":   saveAnew,
	"wizard": func(ctx context.Context, _ *program) error { return show(ctx, pretended()) },
	"line":   asking(func(ctx context.Context, p *prompt) (string, error) { return p.line(ctx, "Name: ") }),
	"secret": asking(func(ctx context.Context, p *prompt) (string, error) { return p.secret(ctx, "Passphrase: ") }),
	"typed":  asking(func(ctx context.Context, p *prompt) (string, error) { return "", asked(ctx, p, "sdb") }),
	"panic": asking(func(ctx context.Context, p *prompt) (string, error) {
		text, _ := p.secret(ctx, "Passphrase: ")
		panic("deliberate " + text)
	}),
}

// asking is a verb that asks something.
func asking(question func(context.Context, *prompt) (string, error)) func(context.Context, *program) error {
	return func(ctx context.Context, p *program) error {
		c := verb(&cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true}, cobra.NoArgs, func(ctx context.Context, _ []string) error {
			got, err := question(ctx, onTerminal())
			if err == nil {
				p.say("got", nil, fmt.Sprintf("got %q", got))
			}
			return err
		})
		c.SetArgs(nil)
		return c.ExecuteContext(ctx)
	}
}

// pretended is an engine in which everything works at once, but PIWIZ_TEST_HOLDS
// never ends by itself, and PIWIZ_TEST_PANICS panics.
func pretended() tui.Engine {
	holds, panics := os.Getenv("PIWIZ_TEST_HOLDS"), os.Getenv("PIWIZ_TEST_PANICS")
	// at is called by each part; one that holds has a child, which is stopped.
	at := func(ctx context.Context, part string) error {
		if part == panics {
			panic("deliberate " + part)
		}
		if part != holds {
			return ctx.Err()
		}
		cmd := exec.CommandContext(ctx, "sleep", "1000")
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		if err := cmd.Run(); ctx.Err() == nil {
			return fmt.Errorf("sleep: %w", err)
		}
		return ctx.Err()
	}
	key, _ := sshkey.ParseLine("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop")
	key.Use = sshkey.Offered
	card := disk.Device{Name: "sdb", Path: "/dev/sdb", Size: 31914983424, Model: "SD/MMC", Bus: bus.USB, Removable: true, DiskSeq: 9}
	return tui.Engine{
		Hosts: func() ([]hostfile.Saved, []error, error) { return nil, nil, at(context.Background(), "welcome") },
		Fetch: func() {},
		Checks: func() []preflight.Check {
			return []preflight.Check{{Name: "nix", Run: func(ctx context.Context) preflight.Finding {
				if at(ctx, "check") != nil {
					return preflight.Finding{State: preflight.Failure, What: "stopped"}
				}
				if bad := os.Getenv("PIWIZ_TEST_REPAIR"); bad != "" {
					return preflight.Finding{State: preflight.Failure, What: "Nix is missing.", Command: bad}
				}
				return preflight.Finding{State: preflight.OK, What: "Nix is installed."}
			}}}
		},
		Repair:   func(command string) tea.ExecCommand { return engine.With(hostfile.Store{}).Repair(command) },
		Computer: func() string { return "" },
		Defaults: func() nixgen.Host {
			_ = at(context.Background(), "board")
			return nixgen.Host{User: "alice", Country: "DE", TimeZone: "Europe/Berlin"}
		},
		Answers: func(ctx context.Context, _ string) []string { _ = at(ctx, "hostname"); return nil },
		Networks: func(ctx context.Context) ([]wifi.Network, []error, error) {
			return []wifi.Network{{SSID: "cafe", Security: wifi.Open}}, nil, at(ctx, "wifi")
		},
		Searched: func() wifi.Places { return wifi.Places{} },
		Keys: func(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error) {
			_ = at(ctx, "keys")
			return []sshkey.PublicKey{key}, nil
		},
		MakeKey: func(string) (sshkey.PublicKey, error) { return key, nil },
		ReadKey: func(string) ([]sshkey.PublicKey, error) { return []sshkey.PublicKey{key}, nil },
		Save:    func(s hostfile.Saved) (hostfile.Saved, error) { return s, nil },
		Preview: func(s hostfile.Saved) ([]nixgen.File, string, error) {
			_ = at(context.Background(), "preview")
			files, err := nixgen.Files(s.Host)
			return files, "configuration.nix", err
		},
		Edit: func(hostfile.Saved) tea.ExecCommand { return engine.With(hostfile.Store{}).Repair("true") },
		Plan: func(ctx context.Context, _ string, _ func(follow.Event)) (builder.Plan, error) {
			return builder.Plan{Builds: []string{"piwiz-bach"}, Takes: -1}, ctx.Err()
		},
		Build: func(ctx context.Context, _ string, report func(follow.Event)) (builder.Result, error) {
			report(follow.Event{Line: "building linux"})
			return builder.Result{Image: "/nowhere/bach.img", Size: 3 << 30, Took: time.Second}, at(ctx, "build")
		},
		Cards: func(ctx context.Context) ([]disk.Device, error) { return []disk.Device{card}, at(ctx, "card") },
		CardsChanged: func(ctx context.Context) <-chan struct{} {
			c := make(chan struct{})
			context.AfterFunc(ctx, func() { close(c) })
			return c
		},
		Newest: func(context.Context, disk.Device) time.Time { return time.Time{} },
		Open:   func(context.Context, disk.Device) (flash.Opened, error) { return noCard{}, nil },
		Write: func(ctx context.Context, _ hostfile.Saved, _ flash.Opened, _ disk.Device, report func(flash.Progress)) (flash.Written, error) {
			report(flash.Progress{Done: 1 << 20, Total: 1 << 30, Rate: 20e6})
			if err := at(ctx, "write"); err != nil {
				return flash.Written{}, &flash.Error{What: "Writing was cancelled", Offset: -1, Err: err, Todo: []string{"The card is not finished and does not boot."}}
			}
			return flash.Written{Result: flash.Result{Bytes: 1 << 30}, Ejected: true}, nil
		},
		Wait: func(ctx context.Context, _ hostfile.Saved, _ func(firstboot.Event)) (firstboot.Result, error) {
			return firstboot.Result{Name: "bach.local"}, at(ctx, "wait")
		},
		Login: func(ctx context.Context, _ hostfile.Saved, _ firstboot.Result) (sshlogin.Way, error) {
			return sshlogin.Way{Command: "ssh alice@bach.local", Works: true}, at(ctx, "done")
		},
	}
}

type noCard struct{}

func (noCard) ReadAt([]byte, int64) (int, error)  { return 0, io.EOF }
func (noCard) WriteAt([]byte, int64) (int, error) { return 0, errors.ErrUnsupported }
func (noCard) Sync() error                        { return nil }
func (noCard) Close() error                       { return nil }
func (noCard) Eject() error                       { return nil }
