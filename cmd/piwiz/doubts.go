package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/shell"
)

// doubted is the refusal of answers that need a clear yes.
type doubted struct {
	arg    string // of piwiz build, as it was given
	doubts []nixgen.Doubt
}

func (d *doubted) Error() string {
	var text strings.Builder
	text.WriteString("nothing was built: this needs a clear yes")
	for _, x := range d.doubts {
		text.WriteString("\n  " + x.Text)
	}
	return text.String()
}

// Hints says how to say yes.
func (d *doubted) Hints() []string {
	var command strings.Builder
	command.WriteString("piwiz build " + shell.Quote(d.arg))
	for _, x := range d.doubts {
		command.WriteString(" --confirm " + shell.Quote(x.Key))
	}
	return []string{"Best is to change the answers, as said above.", "If it is wanted all the same: " + command.String()}
}

// sure is a host whose doubts are all confirmed, by what it was saved with or
// by said; else the error is *doubted.
func sure(s hostfile.Saved, arg string, said []string) (hostfile.Saved, error) {
	s.Host = s.Host.Confirm(said...)
	if d := s.Host.Doubts(); len(d) > 0 {
		return s, &engine.Refused{Err: &doubted{arg, d}}
	}
	return s, nil
}

// free is an error when another machine answers by the name of a host that is
// new, unless that is wanted. One that was saved may answer: it is the Pi.
func free(ctx context.Context, s hostfile.Saved, arg string, said []string, answers func(context.Context, string) []string) error {
	if s.Folder != "" {
		return nil
	}
	d := nixgen.Doubt{Key: "name-taken=" + s.Host.Name}
	if slices.Contains(said, d.Key) {
		return nil
	}
	addrs := answers(ctx, s.Host.Name)
	if len(addrs) == 0 {
		return nil
	}
	d.Text = fmt.Sprintf("%s.local already answers on your network, at %s. Two machines with one name get in each other's way. Choose another name, or switch that one off.", s.Host.Name, strings.Join(addrs, ", "))
	return &engine.Refused{Err: &doubted{arg, []nixgen.Doubt{d}}}
}
