package main

import (
	"io"

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
