package main

import (
	"io"
	"runtime/debug"

	"piwiz/cmd/piwiz/engine"
)

// program is what all verbs share.
type program struct {
	json bool
	out  io.Writer
	set  engine.Options

	unlogged error // why there is no log, nil if there is one
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
