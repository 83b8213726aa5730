// Package container builds in a container of docker or podman, for computers
// without Nix.
//
// Rules: the container that builds has no privileges. Its store is a volume
// that outlives it, so that the next build is fast. It ends with us, however we
// end: its standard input is ours, and it stops when that is closed. What runs
// with privileges registers an emulator and is over in a moment, and runs only
// where programs for the Pi's processor do not run yet.
package container

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// The images, pinned: the first has Nix, the second registers QEMU with the
// kernel when it is run as "--install arm64".
const (
	nixImage     = "docker.io/nixos/nix:2.34.7"
	emulateImage = "docker.io/tonistiigi/binfmt:qemu-v10.2.3"
)

// Engine is a docker or podman that answers, and the images it runs.
type Engine struct {
	Name    string // docker or podman
	Image   string // with Nix
	Emulate string // registers the emulation
}

// Is says whether wish is about a container: container, docker or podman, each
// with or without :IMAGE[,IMAGE].
func Is(wish string) bool {
	name, _, _ := strings.Cut(wish, ":")
	return name == "container" || name == "docker" || name == "podman"
}

// find takes the engine that wish names, or with "container" docker or podman,
// whichever answers. The images are those of wish, else the usual ones. The
// error is a *fault.Error with hints, or ctx's.
func find(ctx context.Context, wish string) (Engine, error) {
	name, images, _ := strings.Cut(wish, ":")
	e := Engine{Image: nixImage, Emulate: emulateImage}
	if images != "" {
		image, emulate, has := strings.Cut(images, ",")
		e.Image = image
		if has {
			e.Emulate = emulate
		}
	}
	// docker first: as root's it may register the emulation, where podman
	// usually is the user's own and may not.
	names := []string{"docker", "podman"}
	if name != "container" {
		names = []string{name}
	}
	var said []error
	for _, e.Name = range names {
		err := e.answers(ctx)
		if err == nil || ctx.Err() != nil {
			return e, ctx.Err()
		}
		said = append(said, err)
	}
	return Engine{}, silent(names, said)
}

// answers asks the engine for something only a working one knows. A docker
// without its service has a version, but no server's.
func (e Engine) answers(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	what := []string{"version", "--format", "{{.Server.Version}}"}
	if e.Name == "podman" {
		what = []string{"info", "--format", "{{.Version.Version}}"}
	}
	_, err := e.output(ctx, what...)
	return err
}

// failed is a command of the engine that failed, with what it said.
type failed struct {
	said string
	err  error
}

func (f *failed) Error() string { return strings.TrimSpace(f.said) }
func (f *failed) Unwrap() error { return f.err }

// command is one of the engine's. Cancelled, it is interrupted, which it passes
// on into the container, and killed only when that does not help.
func (e Engine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.Name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// output runs a short command and returns what it printed. The error is a
// *failed, exec.ErrNotFound or ctx's.
func (e Engine) output(ctx context.Context, args ...string) (string, error) {
	var out, said strings.Builder
	cmd := e.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := ended(ctx, cmd.Run(), said.String()+out.String())
	return strings.TrimSpace(out.String()), err
}

// ended makes an error of how a command ended that said something.
func ended(ctx context.Context, err error, said string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return err
	}
	return &failed{said, err}
}

// remove ends what may be left of a container. It is called when all went wrong
// too, so it has a time of its own.
func (e Engine) remove(name string) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	cmd := e.command(ctx, "rm", "--force", name)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	_ = cmd.Run() // usually it has gone by itself
}
