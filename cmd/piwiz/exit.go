package main

import (
	"context"
	"errors"

	"piwiz/tui"
)

// Exit codes other than 0; they are part of the interface.
const (
	failed    = 1
	usage     = 2
	refused   = 3
	lacking   = 4
	cancelled = 130
)

// exit is an error with its exit code.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

// end prints the error, if any, and gives the exit code.
func (p *program) end(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		err = &exit{cancelled, errors.New("cancelled")}
	}
	code := failed
	var e *exit
	if errors.As(err, &e) {
		code = e.code
	}
	headline, hints := explain(err)
	if p.json {
		p.line("error", map[string]any{"error": headline, "hints": hints, "exit": code})
		return code
	}
	tell("piwiz: " + headline)
	for _, h := range hints {
		tell("  " + h)
	}
	return code
}

// explain is tui.Explain with hints that are a list in JSON, even if empty.
func explain(err error) (headline string, hints []string) {
	headline, hints = tui.Explain(err)
	return headline, append([]string{}, hints...)
}
