package container

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"piwiz/nixgen/emulate"
	"piwiz/nixgen/fault"
)

// silent explains that none of the engines answers. One that is installed
// counts more than one that is not.
func silent(names []string, said []error) *fault.Error {
	for i, err := range said {
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		e := &fault.Error{Lacks: true, Headline: names[i] + " is installed but does not answer.", Why: err.Error(), Err: err}
		switch {
		case strings.Contains(err.Error(), "permission denied"):
			e.Todo = []string{"Join its group: sudo usermod -aG docker $USER", "Then log out and in again."}
		case names[i] == "docker":
			e.Todo = []string{"Start it: sudo systemctl enable --now docker"}
		default:
			e.Todo = []string{"See what it says: " + names[i] + " info"}
		}
		return e
	}
	return &fault.Error{
		Lacks:    true,
		Headline: "There is no " + strings.Join(names, " or ") + " on this computer.",
		Todo:     []string{"Install one of them, for example: sudo apt-get install podman"},
		Err:      errors.Join(said...),
	}
}

func (e Engine) noImage(ctx context.Context, image string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &fault.Error{
		Lacks:    true,
		Headline: e.Name + " cannot fetch " + image + ".", Why: err.Error(), Err: err,
		Todo: []string{"Is this computer on the internet? Try: " + e.Name + " pull " + image, "Or name an image that is here: --builder " + e.Name + ":IMAGE"},
	}
}

func (e Engine) noStart(err error) error {
	return &fault.Error{
		Lacks:    true,
		Headline: e.Name + " cannot start the build container.", Why: err.Error(), Err: err,
		Todo: []string{"Try: " + e.Name + " run --rm --entrypoint nix " + e.Image + " --version"},
	}
}

// noEmulation has the hints of the computer's own emulation, which serves
// containers too.
func (e Engine) noEmulation(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x := &fault.Error{
		Lacks:    true,
		Headline: "Programs for the Raspberry Pi's processor do not run in " + e.Name + ", and the emulation could not be registered.",
		Why:      err.Error(), Err: err,
	}
	var own *emulate.Error
	if errors.As(emulate.Check(ctx), &own) {
		x.Todo = own.Hints()
	}
	if len(x.Todo) == 0 { // outside it works, but not in there
		x.Todo = []string{"The emulator may be registered without F (fix binary). Install another: sudo apt-get install qemu-user-static"}
	}
	return x
}
