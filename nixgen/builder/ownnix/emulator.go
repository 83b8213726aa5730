package ownnix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/nix"
)

// emulator is what runs programs for the Pi's processor in the namespace.
type emulator struct {
	Path    string // store path
	Program string // in it
	Flags   string // of the entry in the kernel's table
	Sandbox bool   // it must be seen in the sandbox, because it needs other files
	For     string // the nixpkgs that it was asked of
}

// use has p run with it.
func (e emulator) use(p *program) {
	p.space.Emulator, p.space.Flags = e.Path+"/"+e.Program, e.Flags
	if e.Sandbox {
		p.more = append(p.more, "extra-sandbox-paths = "+e.Path) // and what it refers to
	}
}

// source is where an emulator may come from.
type source struct {
	name string
	get  func(ctx context.Context, p program) (emulator, error)
}

// emulate finds an emulator for the image of o, of the nixpkgs that the image is
// made of. It is downloaded, never compiled. say takes lines for people.
func (n Nix) emulate(ctx context.Context, p *program, o order.Order, say func(string)) error {
	var have emulator
	old := n.folder().Load(folder.Emulator, &have) == nil // and it answered
	if _, err := os.Stat(n.folder().Outside(have.Path + "/" + have.Program)); err != nil {
		old = false
	}
	of := nixpkgs(o)
	if old && of != "" && have.For == of {
		have.use(p)
		return nil
	}
	say("finding an emulator of the Raspberry Pi's processor")
	sources := []source{
		{"pkgsStatic.qemu-user of nixpkgs", attribute(o, "pkgsStatic.qemu-user", emulator{Flags: "PF"})},
		{"qemu-user of nixpkgs", attribute(o, "qemu-user", emulator{Flags: "P", Sandbox: true})},
		{"qemu-user-static of Debian", n.packaged},
	}
	var missed []error
	for _, s := range sources {
		e, err := s.get(ctx, *p)
		if err == nil {
			err = n.answers(ctx, *p, e)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			missed = append(missed, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		e.For = of
		if err := errors.Join(n.folder().Root("emulator", e.Path), n.folder().Keep(folder.Emulator, e)); err != nil {
			return folder.Unusable(err)
		}
		e.use(p)
		return nil
	}
	if old { // an image does not depend on which it was
		have.use(p)
		return nil
	}
	return n.broken(ctx, "download an emulator of the Raspberry Pi's processor", errors.Join(missed...))
}

// attribute gets a package out of the nixpkgs of the image. It is asked for its
// store path, and that is downloaded: a build with no jobs would first download
// all that it is made with.
func attribute(o order.Order, name string, e emulator) func(context.Context, program) (emulator, error) {
	return func(ctx context.Context, p program) (emulator, error) {
		path, err := p.run(ctx, nil, "nix", append([]string{"eval", "--raw"}, installable(o, name+".outPath")...)...)
		if err != nil {
			return e, err
		}
		if !strings.HasPrefix(path, "/nix/store/") {
			return e, fmt.Errorf("%s is %q, which is no store path", name, path)
		}
		e.Path, e.Program = path, "bin/qemu-aarch64"
		_, err = p.run(ctx, nil, "nix", "build", "--max-jobs", "0", "--no-link", path)
		return e, err
	}
}

// installable are the arguments of nix that name something in the nixpkgs of o.
func installable(o order.Order, name string) []string {
	if o.Nixpkgs != "" {
		return []string{"--no-write-lock-file", o.Nixpkgs + "#" + name}
	}
	return []string{"--inputs-from", o.URL(), "nixpkgs#" + name}
}

// nixpkgs says which nixpkgs the image of o is made of, as far as that is
// written down.
func nixpkgs(o order.Order) string {
	if o.Nixpkgs != "" {
		return o.Nixpkgs
	}
	var lock struct {
		Root  string
		Nodes map[string]struct {
			Locked json.RawMessage
			Inputs map[string]any
		}
	}
	text, err := os.ReadFile(filepath.Join(o.Flake, "flake.lock"))
	if err != nil || json.Unmarshal(text, &lock) != nil {
		return ""
	}
	node, _ := lock.Nodes[lock.Root].Inputs["nixpkgs"].(string)
	return string(lock.Nodes[node].Locked)
}

// packaged is the package of a distribution, which is pinned.
func (n Nix) packaged(ctx context.Context, p program) (e emulator, err error) {
	if p.pin.Emulator.SHA256 == "" {
		return e, errors.New("none is pinned")
	}
	dir, err := os.MkdirTemp(n.folder().At(folder.Ours), "emulator-")
	if err != nil {
		return e, err
	}
	defer os.RemoveAll(dir)
	const name = "qemu-user-static"
	if err := os.MkdirAll(filepath.Join(dir, name, "bin"), 0o755); err != nil {
		return e, err
	}
	if err := p.pin.FetchEmulator(ctx, filepath.Join(dir, name, "bin/qemu-aarch64"), nil); err != nil {
		return e, err
	}
	path, err := p.run(ctx, nil, "nix-store", "--add", "/nix/piwiz/"+filepath.Base(dir)+"/"+name)
	return emulator{Path: path, Program: "bin/qemu-aarch64", Flags: "PF"}, err
}

// answers runs a program for the Pi with it.
func (n Nix) answers(ctx context.Context, p program, e emulator) error {
	const name = "piwiz/answer"
	if err := os.WriteFile(n.folder().At(name), aarch64.Answering(), 0o755); err != nil && !errors.Is(err, os.ErrPermission) {
		return err
	}
	e.use(&p)
	var said []string
	_, err := nix.Run(ctx, nix.Command{Through: p.space.Through("/nix/" + name), Env: p.env()}, func(e nix.Event) { said = append(said, e.Text) })
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == aarch64.Answer {
		return nil
	}
	if r := refused(err, said); r != nil {
		return r
	}
	return fmt.Errorf("%s does not run programs for the Raspberry Pi: %v\n%s", nix.StoreName(e.Path), err, strings.Join(said, "\n"))
}
