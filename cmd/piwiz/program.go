package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/regular"
	"piwiz/nixgen/hostfile"
)

// program is what all verbs share.
type program struct {
	json bool
	out  io.Writer
	set  engine.Options
}

// engine is what does the steps, as the options say.
func (p *program) engine() (*engine.Engine, error) {
	e, err := engine.New()
	if err == nil {
		e.Options = p.set
	}
	return e, err
}

// version is what this program was built from, as the go command noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "of unknown version"
	}
	return info.Main.Version
}

// host finds the host that a verb is about: the name of a saved host, or a
// file of answers (NAME.toml), which is then saved under its host's name.
func (p *program) host(ctx context.Context, store hostfile.Store, arg string) (hostfile.Saved, error) {
	if !strings.HasSuffix(arg, ".toml") {
		return store.Load(arg)
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
	saved, err := store.Load(h.Name) // its secrets go on being used
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hostfile.Saved{}, err
	}
	if err != nil { // it is a new one
		if err := newName(h.Name); err != nil {
			return hostfile.Saved{}, &engine.Refused{Err: fmt.Errorf("%s: %w", arg, err)}
		}
	}
	h.HostKey = saved.Host.HostKey
	saved.Host = h.Inherit(saved.Host)
	return saved, nil
}
