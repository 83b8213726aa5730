package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"piwiz/flash/regular"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
)

// Host finds the host that a person means: the name of a saved host, or a
// file of answers (NAME.toml), which is then saved under its host's name.
func (e *Engine) Host(ctx context.Context, arg string) (hostfile.Saved, error) {
	if !strings.HasSuffix(arg, ".toml") {
		return e.Store.Load(arg)
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
	saved, err := e.Store.Load(h.Name) // its secrets go on being used
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hostfile.Saved{}, err
	}
	if err != nil { // it is a new one
		if err := NewName(h.Name); err != nil {
			return hostfile.Saved{}, &Refused{Err: fmt.Errorf("%s: %w", arg, err)}
		}
	}
	h.HostKey = saved.Host.HostKey
	saved.Host = h.Inherit(saved.Host)
	return saved, nil
}

// NewName is an error for a name that a host cannot be given on this computer.
func NewName(name string) error {
	if _, complaint := nixgen.CheckNewName(name, Computer()); complaint != "" {
		return fmt.Errorf("%q is no host name: %s", name, complaint)
	}
	return nil
}
