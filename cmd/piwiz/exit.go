package main

import (
	"context"
	"errors"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/preflight"
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

// end prints the error, if any, and gives the exit code. What was cancelled says
// no more than that, unless it has something to say: what a card is now.
func (p *program) end(err error) int {
	if err == nil {
		return 0
	}
	code := codeOf(err)
	if errors.Is(err, tui.ErrLeft) {
		return code
	}
	headline, hints := explain(err)
	if code == cancelled {
		said, ok := errors.AsType[fault.Told](err)
		if headline = "cancelled"; ok {
			headline = said.Error()
		}
	}
	if p.json {
		value := map[string]any{"error": headline, "hints": hints, "exit": code}
		if e, ok := errors.AsType[*builder.Error](err); ok {
			value["headline"], value["reason"], value["known"] = e.Headline, e.Why, e.Known
			value["derivation"], value["tail"], value["log"] = e.Derivation, append([]string{}, e.LogTail...), e.LogFile
		}
		p.line("error", value)
		return code
	}
	tell("piwiz: " + headline)
	for _, h := range hints {
		tell("  " + h)
	}
	if p.unlogged != nil && code == failed { // it is what to read now
		what, hints := explain(p.unlogged)
		tell("This run has no log: " + what + "\n  " + strings.Join(hints, "\n  "))
	}
	return code
}

// codeOf is the exit code of an error. ^C counts before what it made fail.
func codeOf(err error) int {
	if all, ok := errors.AsType[*several](err); ok {
		return all.all.code()
	}
	e, ok := errors.AsType[*exit](err)
	told, _ := errors.AsType[*fault.Error](err)
	missing, _ := errors.AsType[*preflight.Problem](err)
	unready, _ := errors.AsType[*builder.Error](err)
	unsafe, _ := errors.AsType[*engine.Refused](err)
	lacks, _ := errors.AsType[*engine.Lacking](err)
	var notReady tui.NotReady
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, tui.ErrLeft):
		return cancelled
	case ok:
		return e.code
	case unsafe != nil:
		return refused
	case lacks != nil, told != nil && told.Lacks, missing != nil, errors.As(err, &notReady), unready != nil && unready.Page == "check":
		return lacking
	}
	return failed
}

// explain is tui.Explain with hints that are a list in JSON, even if empty.
func explain(err error) (headline string, hints []string) {
	headline, hints = tui.Explain(err)
	return headline, append([]string{}, hints...)
}
