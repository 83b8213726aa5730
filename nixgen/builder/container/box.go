package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/nix"
)

// box is an Engine that is ready: its image is there, and programs for the Pi's
// processor run in it.
type box struct {
	engine Engine
	volume string // with the store
}

// folder is one of this computer that the container may read, at inside.
type folder struct{ outside, inside string }

// ready fetches the image if need be, and registers the emulation if programs
// for the Pi's processor do not run. say tells what takes long, and what
// changes something on this computer. The error is a *fault.Error with hints, or
// ctx's.
func (e Engine) ready(ctx context.Context, say func(string)) (box, error) {
	id, err := e.id(ctx, e.Image, say)
	if err != nil {
		return box{}, err
	}
	// Another image has another Nix, whose files an old store does not hold.
	b := box{e, "piwiz-nix-" + id}
	bad := e.runsAArch64(ctx)
	if bad == nil || ctx.Err() != nil {
		return b, ctx.Err()
	}
	if _, err := e.id(ctx, e.Emulate, say); err != nil {
		return box{}, err
	}
	say("registering QEMU for the Raspberry Pi's processor, until the next restart of this computer: " +
		e.Name + " run --rm --privileged " + e.Emulate + " --install arm64")
	_, refused := e.once(ctx, []string{"--rm", "--privileged", "--network", "none", e.Emulate, "--install", "arm64"})
	if err := e.runsAArch64(ctx); err == nil || ctx.Err() != nil {
		return b, ctx.Err()
	}
	return box{}, e.noEmulation(ctx, errors.Join(bad, refused))
}

// id is a short name of exactly this image, which is fetched if need be.
func (e Engine) id(ctx context.Context, image string, say func(string)) (string, error) {
	inspect := []string{"image", "inspect", "--format", "{{.Id}}", image}
	id, err := e.output(ctx, inspect...)
	if err != nil && ctx.Err() == nil {
		say(e.Name + " fetches " + image)
		if _, err := e.output(ctx, "pull", "--quiet", image); err != nil {
			return "", e.noImage(ctx, image, err)
		}
		id, err = e.output(ctx, inspect...)
	}
	if err != nil {
		return "", e.noImage(ctx, image, err)
	}
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))], nil
}

// runsAArch64 runs the test program in the image.
func (e Engine) runsAArch64(ctx context.Context) error {
	out, err := e.once(ctx, []string{"--rm", "--network", "none", "--entrypoint", "sh", e.Image, "-c", aarch64.Script()})
	if err == nil && !aarch64.Said(out) {
		err = fmt.Errorf("the test program: %s", out)
	}
	return err
}

var runs atomic.Int64

// fresh is a name that no other container has.
func fresh() string {
	return "piwiz-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(runs.Add(1), 10)
}

// once runs a short container.
func (e Engine) once(ctx context.Context, args []string) (string, error) {
	name := fresh()
	out, err := e.output(ctx, append([]string{"run", "--name", name}, args...)...)
	if ctx.Err() != nil {
		e.remove(name)
	}
	return out, err
}

// boxed runs a program until that ends by itself, or the standard input of the
// container does: whoever started it is gone then. The program is process 1,
// and the container ends with it.
const boxed = `exec 3<&0 </dev/null
(while read -r _ <&3; do :; done
while kill -TERM 1 2> /dev/null; do sleep 1; done) &
exec 3<&-
exec "$0" "$@"`

// nix runs nix in a container that can read the folders, and is nix.Run else:
// Args and the log of c count.
func (b box) nix(ctx context.Context, c nix.Command, folders []folder, report func(nix.Event)) ([]byte, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the container: %w", err)
	}
	defer read.Close()
	defer write.Close()
	name := fresh()
	c.Stdin = read
	c.Through = append([]string{b.engine.Name, "run", "--interactive", "--name", name}, b.options()...)
	// The downloads and what Nix has read are kept with the store.
	c.Through = append(c.Through, "--env", "XDG_CACHE_HOME=/nix/var/cache")
	for _, f := range folders {
		c.Through = append(c.Through, "--mount", mount("type=bind", "source="+f.outside, "target="+f.inside, "readonly"))
	}
	c.Through = append(c.Through, "--entrypoint", "sh", b.engine.Image, "-c", boxed, "nix")
	// There is no box within a box: that would want privileges.
	c.Args = append(c.Args, "--option", "sandbox", "false")
	var last string
	out, err := nix.Run(ctx, c, func(e nix.Event) {
		if e.Action == nix.Plain {
			last = e.Text
		}
		report(e)
	})
	if err != nil {
		b.engine.remove(name)
	}
	// What the engine itself could not do, as its manual says.
	var exit *exec.ExitError
	if ctx.Err() == nil && errors.As(err, &exit) && exit.ExitCode() >= 125 && exit.ExitCode() <= 127 {
		return nil, b.engine.noStart(&failed{last, err})
	}
	return out, err
}

// take reads a small file of the volume and removes it. A file that is not there
// is empty.
func (b box) take(ctx context.Context, file string) (string, error) {
	args := append(b.options(), "--network", "none", "--entrypoint", "sh", b.engine.Image, "-c", `if [ -e "$0" ]; then cat "$0" && rm "$0"; fi`, file)
	return b.engine.once(ctx, args)
}

// options are those of every container that sees the store. SELinux would keep
// it from reading the user's folders.
func (b box) options() []string {
	return []string{
		"--rm", "--log-driver", "none", "--security-opt", "label=disable",
		"--mount", mount("type=volume", "source="+b.volume, "target=/nix"),
	}
}

// mount writes the fields as CSV, which they are.
func mount(fields ...string) string {
	for i, f := range fields {
		if strings.ContainsAny(f, `,"`) {
			fields[i] = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
	}
	return strings.Join(fields, ",")
}
