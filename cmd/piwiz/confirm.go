package main

import (
	"context"
	"errors"
	"fmt"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/nixgen/fault"
	"piwiz/tui/clean"
)

// confirm lets the user type the card's name, and once more when it is perhaps
// no card. Where nobody can type, only --yes goes on, and for what is no card
// not even that.
func confirm(ctx context.Context, d disk.Device) error {
	ask := onTerminal()
	switch there := ask.here(); {
	case !there && d.Any:
		return &engine.Refused{Err: unconfirmed(d.Path)}
	case !there:
		return &engine.Refused{Err: fmt.Errorf("%s would be erased, and there is no terminal to confirm it on; add --yes to erase it without asking", d.Path)}
	}
	tell(fmt.Sprintf("Everything on %s (%s) will be erased: %s", d.Path, engine.Describe(d), d.Contents()))
	for i, word := range d.Confirm() {
		if i > 0 {
			tell(d.Doubt())
			if newest := detect.Newest(ctx, d); !newest.IsZero() {
				tell("The newest file on it is from " + newest.Format("2 January 2006") + ".")
			}
		}
		if err := asked(ctx, ask, word); err != nil {
			return err
		}
	}
	return nil
}

// unconfirmed is the refusal to write what is no card where nobody can type.
func unconfirmed(path string) error {
	return &fault.Error{
		Headline: path + " is not an SD card, and there is no terminal to confirm that you mean it",
		Todo:     fault.Todo{"Run this in a terminal: two answers must be typed, and --yes does not replace them."},
	}
}

// asked has a word typed.
func asked(ctx context.Context, ask *prompt, word string) error {
	text, err := ask.line(ctx, "Type "+clean.Name(word)+" to go on: ")
	switch {
	case err != nil:
		return &exit{cancelled, fmt.Errorf("nothing was written: %w", err)}
	case text != word:
		return &engine.Refused{Err: errors.New("nothing was written")}
	}
	return nil
}
