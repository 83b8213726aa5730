// Package preflight says before any build whether the Nix of this computer can
// make the image: is it there, new enough, reachable, allowed to build for the
// Pi, and is there room, memory and a way to the cache.
//
// Rules: nothing is changed, only checked; what is wrong is told with why it
// matters and the exact command for this system; the kernel's answer counts
// before Nix's words, which change from version to version. Each check stands
// alone, so all may run side by side. A check that cannot say anything because
// another one failed returns ErrEarlier: the first cause is told once.
package preflight

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/osrelease"
)

// ErrEarlier says that a check was not made, because what it needs is missing
// and another check names it.
var ErrEarlier = errors.New("not checked: something else must be fixed first")

// Problem is what a check found wrong.
type Problem struct {
	Headline string
	Why      string // why it matters
	fault.Todo
	Runs    bool  // the first of Todo is a shell line that fixes it
	Warning bool  // it does not stop a build
	Err     error // below, may be nil
}

func (p *Problem) Error() string { return p.Headline }
func (p *Problem) Unwrap() error { return p.Err }

// with puts a remedy into a problem, before what else there is to do.
func (p *Problem) with(r remedy) *Problem {
	p.Todo = append(r.todo, p.Todo...)
	if p.Runs = r.command != ""; p.Runs {
		p.Todo = append(fault.Todo{r.command}, p.Todo...)
	}
	return p
}

// remedy is what helps on one kind of system.
type remedy struct {
	todo    []string
	command string
}

// Computer is what the remedies depend on.
type Computer struct {
	root    string // where its files are: "/", or a folder in a test
	system  osrelease.System
	user    string // who is to be helped
	systemd bool
}

// This is the computer that runs the program.
func This() Computer {
	c := at("/")
	if u, err := user.Current(); err == nil {
		c.user = u.Username
	}
	return c
}

// at is a computer with its files under root.
func at(root string) Computer {
	c := Computer{root: root, user: "$USER", system: osrelease.Read(root)}
	c.systemd = c.has("run/systemd/system")
	return c
}

func (c Computer) has(name string) bool {
	_, err := os.Lstat(filepath.Join(c.root, name))
	return err == nil
}

// unit says whether systemd knows a unit. Source: systemd.unit(5), the folders
// of packages and of the administrator.
func (c Computer) unit(name string) bool {
	return c.systemd && slices.ContainsFunc([]string{"etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"},
		func(dir string) bool { return c.has(filepath.Join(dir, name)) })
}

// line is a setting for the configuration of a NixOS computer, which commands
// cannot change for good.
func line(setting string) remedy {
	return remedy{todo: []string{"Add to this computer's configuration: " + setting, "Then: sudo nixos-rebuild switch"}}
}
