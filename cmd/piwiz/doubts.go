package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/shell"
)

// doubted is the refusal of answers that need a clear yes. arg is that of piwiz
// build, as it was given.
func doubted(arg string, doubts []nixgen.Doubt) error {
	var why []string
	command := []string{"piwiz build", shell.Quote(arg)}
	for _, x := range doubts {
		why = append(why, "  "+x.Text)
		command = append(command, "--confirm", shell.Quote(x.Key))
	}
	return &fault.Error{
		Headline: "nothing was built: this must be confirmed first", Why: strings.Join(why, "\n"),
		Todo: fault.Todo{"It is best to change the answers, as described above.", "To build it anyway: " + strings.Join(command, " ")},
	}
}

// sure is a host whose doubts are all confirmed, by what it was saved with or
// by said; else all of them are the error. That another machine
// answers by the name of a new host is one; who answers for a host that was
// saved is the Pi itself.
func sure(ctx context.Context, s hostfile.Saved, arg string, said []string, answers func(context.Context, string) []string) (hostfile.Saved, error) {
	s.Host = s.Host.Confirm(said...)
	doubts := s.Host.Doubts()
	if taken := "name-taken=" + s.Host.Name; s.Folder == "" && !slices.Contains(said, taken) {
		if addrs := answers(ctx, s.Host.Name); len(addrs) > 0 {
			doubts = append(doubts, nixgen.Doubt{Key: taken, Text: fmt.Sprintf("%s.local already answers on your network, at %s. Two machines with the same name get in each other's way. Choose another name, or switch the other machine off.", s.Host.Name, strings.Join(addrs, ", "))})
		}
	}
	if len(doubts) > 0 {
		return s, &engine.Refused{Err: doubted(arg, doubts)}
	}
	return s, nil
}
