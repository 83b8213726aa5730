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
	"piwiz/nixgen/hostfile/answers"
)

// Meant is the host that a person means, and what is wrong with it so far.
type Meant struct {
	hostfile.Saved
	Wrong []error
	place func(field string) string // where an answer stands in a file of answers; nil for a saved host
}

// Host finds the host that a person means: the name of a saved host, or a
// file of answers (NAME.toml), which is then saved under its host's name. The
// error is for one that is not there; what is wrong with it is in Wrong, so that
// all of it can be told at once.
func (e *Engine) Host(ctx context.Context, arg string) (Meant, error) {
	if !strings.HasSuffix(arg, ".toml") {
		s, err := e.Store.Load(arg)
		return Meant{Saved: s}, err
	}
	f, err := regular.Open(ctx, arg)
	if err != nil {
		return Meant{}, fmt.Errorf("read the answers: %w", err)
	}
	defer f.Close()
	file, err := answers.Read(f)
	if err != nil {
		return Meant{}, fmt.Errorf("read the answers: %s: %w", arg, err)
	}
	h, m := file.Host, Meant{place: func(field string) string { return arg + ": " + file.Place(field) }}
	wrong := func(err error) {
		if err != nil {
			m.Wrong = append(m.Wrong, err)
		}
	}
	if err := file.Err(); err != nil {
		wrong(fmt.Errorf("%s: %w", arg, err))
	}
	if _, complaint := nixgen.CheckName(h.Name); complaint == "" {
		m.Saved, err = e.Store.Load(h.Name) // its secrets go on being used
		if !errors.Is(err, fs.ErrNotExist) {
			wrong(err)
		} else if err := NewName(h.Name); err != nil {
			wrong(&Refused{Err: fmt.Errorf("%s: %w", m.place("name"), err)})
		}
	}
	h.HostKey = m.Saved.Host.HostKey
	m.Saved.Host = h.Inherit(m.Saved.Host)
	return m, nil
}

// NewName is an error for a name that a host cannot be given on this computer.
func NewName(name string) error {
	if _, complaint := nixgen.CheckNewName(name, Computer()); complaint != "" {
		return fmt.Errorf("%q is not a valid host name: %s", name, complaint)
	}
	return nil
}
