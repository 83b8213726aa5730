package container

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"piwiz/nixgen/emulate"
)

// Error is why nothing can be built in a container, and what to do.
type Error struct {
	Headline string // one sentence
	Why      string // what the engine said, "" for nothing
	fixes    []string
	err      error
}

// Error is the headline and the reason.
func (e *Error) Error() string {
	if e.Why == "" {
		return e.Headline
	}
	return e.Headline + "\n" + e.Why
}

// Unwrap is the error below, nil when there is none.
func (e *Error) Unwrap() error { return e.err }

// Hints say what to do.
func (e *Error) Hints() []string { return e.fixes }

// silent explains that none of the engines answers. One that is installed
// counts more than one that is not.
func silent(names []string, said []error) *Error {
	for i, err := range said {
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		e := &Error{Headline: names[i] + " is installed but does not answer.", Why: err.Error(), err: err}
		switch {
		case strings.Contains(err.Error(), "permission denied"):
			e.fixes = []string{"Join its group: sudo usermod -aG docker $USER", "Then log out and in again."}
		case names[i] == "docker":
			e.fixes = []string{"Start it: sudo systemctl enable --now docker"}
		default:
			e.fixes = []string{"See what it says: " + names[i] + " info"}
		}
		return e
	}
	return &Error{
		Headline: "There is no " + strings.Join(names, " or ") + " on this computer.",
		fixes:    []string{"Install one of them, for example: sudo apt-get install podman"},
		err:      errors.Join(said...),
	}
}

func (e Engine) noImage(ctx context.Context, image string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{
		Headline: e.Name + " cannot fetch " + image + ".", Why: err.Error(), err: err,
		fixes: []string{"Is this computer on the internet? Try: " + e.Name + " pull " + image, "Or name an image that is here: --builder " + e.Name + ":IMAGE"},
	}
}

func (e Engine) noStart(err error) error {
	return &Error{
		Headline: e.Name + " cannot run the container that builds.", Why: err.Error(), err: err,
		fixes: []string{"Try: " + e.Name + " run --rm --entrypoint nix " + e.Image + " --version"},
	}
}

// noEmulation has the hints of the computer's own emulation, which serves
// containers too.
func (e Engine) noEmulation(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x := &Error{
		Headline: "Programs for the Raspberry Pi's processor do not run in " + e.Name + ", and the emulation could not be registered.",
		Why:      err.Error(), err: err,
	}
	var own *emulate.Error
	if errors.As(emulate.Check(ctx), &own) {
		x.fixes = own.Hints()
	}
	if len(x.fixes) == 0 { // outside it works, but not in there
		x.fixes = []string{"The emulator may be registered without F (fix binary). Install another: sudo apt-get install qemu-user-static"}
	}
	return x
}
