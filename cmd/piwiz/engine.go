package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshconfig"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/flash/grant"
	"piwiz/flash/udisks"
	"piwiz/nixgen"
	"piwiz/nixgen/build"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/sshkey"
	"piwiz/tui"
)

// engine fills the wizard's functions with the real parts.
func (p *program) engine() (tui.Engine, error) {
	store, err := hostfile.Default()
	if err != nil {
		return tui.Engine{}, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return tui.Engine{}, fmt.Errorf("find your home folder: %w", err)
	}
	sshDir, wifis := filepath.Join(home, ".ssh"), new(finder)
	return tui.Engine{
		Hosts:         func() ([]hostfile.Saved, []error, error) { return hosts(store) },
		Checks:        p.checks(store, &p.emulator),
		Repair:        p.repair,
		Defaults:      guess,
		Computer:      computer,
		Answers:       answers,
		Networks:      wifis.Networks,
		GrantNetworks: func() tui.WifiGrant { return &wifiGrant{grant.WifiReader{Self: self()}, wifis} },
		Looked:        wifis.Looked,
		AskSecret:     askSecret,
		Keys: func(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error) {
			return keys(ctx, sshDir, home, h)
		},
		MakeKey: func(name string) (sshkey.PublicKey, error) { return sshkey.Make(sshDir, name, guess().User+"@piwiz") },
		ReadKey: func(path string) ([]sshkey.PublicKey, error) { return sshkey.ReadFile(path, home) },
		Save:    func(s hostfile.Saved) (hostfile.Saved, error) { return keep(store, s) },
		Preview: func(s hostfile.Saved) ([]nixgen.File, string, error) {
			files, err := nixgen.Files(asSaved(store, s.Host))
			return ownAsItIs(store, s.Host.Name, files), store.Path(s.Host.Name, "flake", "configuration.nix"), err
		},
		Edit: func(s hostfile.Saved) tea.ExecCommand { return &ownEditor{store: store, host: s.Host} },
		Plan: func(ctx context.Context, name string, report func(build.Event)) (build.Plan, error) {
			r, err := p.request(ctx, store, name)
			if err != nil {
				return build.Plan{}, err
			}
			return build.Ahead(ctx, r, report)
		},
		Build: func(ctx context.Context, name string, report func(build.Event)) (build.Result, error) {
			r, err := p.request(ctx, store, name)
			if err != nil {
				return build.Result{}, err
			}
			return makeImage(ctx, store, r, report)
		},
		Cards:        p.cards,
		CardsChanged: detect.Watch, Newest: detect.Newest,
		Open:      openAsUser,
		GrantCard: func(d disk.Device) tui.CardGrant { return newCardGrant(d) },
		Write: func(ctx context.Context, s hostfile.Saved, built string, card tui.Card, d disk.Device, report func(flash.Progress)) (flash.Result, error) {
			return writeCard(ctx, store, s, built, card, d, report)
		},
		Release: func(ctx context.Context, c tui.Card, d disk.Device) bool { return udisks.Release(ctx, c, d) },
		Wait:    waitFor,
		Login:   logIn,
	}, nil
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

func hosts(store hostfile.Store) ([]hostfile.Saved, []error, error) {
	saved, problems, err := store.List()
	return saved, errorsOf(problems), err
}

func errorsOf[P error](problems []P) []error {
	var out []error
	for _, x := range problems {
		out = append(out, x)
	}
	return out
}

func answers(ctx context.Context, name string) []string {
	addrs, err := firstboot.Answers(ctx, name, 300*time.Millisecond)
	if err != nil {
		return nil // no network here says nothing about the name
	}
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// keys asks ssh which keys it offers to the host, and lists those and all
// others. The home of ssh is the one in the user database.
func keys(ctx context.Context, sshDir, home string, h nixgen.Host) ([]sshkey.PublicKey, []error) {
	if u, err := user.Current(); err == nil && u.HomeDir != "" {
		home = u.HomeDir
	}
	name := h.Name + ".local"
	said, why := sshconfig.Ask(ctx, h.User, name)
	found, problems := sshkey.Find(ctx, sshDir, sshkey.Read(said, h.User, name, home, os.Getenv("SSH_AUTH_SOCK")))
	if why != nil {
		return found, append([]error{why}, errorsOf(problems)...)
	}
	return found, errorsOf(problems)
}

// ownAsItIs puts the user's own files, as they are on disk, in place of the
// text they were created with.
func ownAsItIs(store hostfile.Store, name string, files []nixgen.File) []nixgen.File {
	for i, f := range files {
		if f.Once {
			if text, err := store.ReadConfiguration(name); err == nil {
				files[i].Text = text
			}
		}
	}
	return files
}

// request chooses what builds the image of a saved host.
func (p *program) request(ctx context.Context, store hostfile.Store, name string) (build.Request, error) {
	builder, err := p.chosen(ctx)
	if err != nil {
		return build.Request{}, err
	}
	return build.Request{
		Flake: store.Path(name, "flake"), Host: name, OutLink: store.Path(name, "result"),
		LogFile: store.Path(name, "build.log"), Nixpkgs: p.nixpkgs, Builder: builder, State: stateDir(),
	}, nil
}

// makeImage builds the image of a saved host, and notes what it was built from.
func makeImage(ctx context.Context, store hostfile.Store, r build.Request, report func(build.Event)) (build.Result, error) {
	s, err := store.Load(r.Host)
	if err != nil {
		return build.Result{}, err
	}
	from, err := store.Origin(s.Host) // now: Nix takes the files as they are when it begins
	if err != nil {
		return build.Result{}, err
	}
	result, err := build.Image(ctx, r, report)
	if err != nil {
		return result, err
	}
	return result, store.Bind(r.Host, from)
}

// builtImage finds the image of the last build, if it is of the answers as they
// are.
func builtImage(store hostfile.Store, h nixgen.Host) (string, error) {
	image, err := build.Built(store.Path(h.Name, "result"))
	if err != nil {
		return "", fmt.Errorf("%s has no image yet; run: piwiz build %s", h.Name, h.Name)
	}
	return image, bound(store, h)
}

// bound is a refusal unless the image of a host was built from its answers as
// they are.
func bound(store hostfile.Store, h nixgen.Host) error {
	err := store.Bound(h)
	var other *hostfile.OtherImage
	if errors.As(err, &other) {
		return &exit{refused, err}
	}
	return err
}

func want(s hostfile.Saved) firstboot.Want {
	return firstboot.Want{Name: s.Host.Name, HostKey: s.Identity.PublicLine(), Port: 22}
}

func waitFor(ctx context.Context, s hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error) {
	return firstboot.Wait(ctx, want(s), report)
}

// logIn finds the command that logs in as this user's ssh is set up.
func logIn(ctx context.Context, s hostfile.Saved, found firstboot.Result) (sshlogin.Way, error) {
	return firstboot.Login(ctx, want(s), found, firstboot.User{
		Name: s.Host.User, Files: keyFiles(ctx, s.Host), System: osrelease.Read("/").Is,
	})
}

// keyFiles are the files here of keys that a host lets in, those with their
// private half first.
func keyFiles(ctx context.Context, h nixgen.Host) []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	here, _ := keys(ctx, filepath.Join(home, ".ssh"), home, h) // a file that cannot be read is no file to name
	var whole, half []string
	for _, k := range here {
		switch {
		case !slices.ContainsFunc(h.Keys, func(line string) bool { return sameKey(line, k.Line) }):
		case k.File != "":
			whole = append(whole, k.File)
		case strings.HasSuffix(k.Source, ".pub"):
			half = append(half, k.Source)
		}
	}
	return append(whole, half...)
}

// sameKey compares lines of authorized_keys without their comments.
func sameKey(a, b string) bool {
	f, g := strings.Fields(a), strings.Fields(b)
	return len(f) > 1 && len(g) > 1 && f[0] == g[0] && f[1] == g[1]
}

// ownEditor runs the user's editor on the user's own file of a host, which is
// made if there is none.
type ownEditor struct {
	store    hostfile.Store
	host     nixgen.Host
	in       io.Reader
	out, err io.Writer
}

func (e *ownEditor) SetStdin(r io.Reader)  { e.in = r }
func (e *ownEditor) SetStdout(w io.Writer) { e.out = w }
func (e *ownEditor) SetStderr(w io.Writer) { e.err = w }

// Quiet says that it has a screen of its own.
func (e *ownEditor) Quiet() bool { return true }

// Run waits until the editor is closed.
func (e *ownEditor) Run() error {
	files, err := nixgen.Files(e.host)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Once {
			continue
		}
		path, err := e.store.EditConfiguration(e.host.Name, f.Text)
		if err != nil {
			return err
		}
		cmd := editorOf(path)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = e.in, e.out, e.err
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGHUP}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("run the editor %s: %w", cmd.Args[0], err)
		}
	}
	return nil
}

func editorOf(file string) *exec.Cmd {
	command := "nano"
	for _, v := range []string{"VISUAL", "EDITOR"} {
		if os.Getenv(v) != "" {
			command = os.Getenv(v)
			break
		}
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		words = []string{"nano"}
	}
	return exec.Command(words[0], append(words[1:], file)...)
}
