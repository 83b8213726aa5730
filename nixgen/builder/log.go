package builder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/logfile"
	"piwiz/nixgen/nix/clean"
)

// mostText bounds the log in bytes; twice as much can be there. That of a NixOS
// image has 1 MiB.
const mostText = 4 << 20

// record is the log of a build for people: the lines that they saw, the whole
// trace of an error of which they saw the cause, and how it ended. It begins
// with the plan, and the build goes on with it.
type record struct {
	to     *logfile.File // nil writes nothing
	report func(follow.Event)
}

// record opens the log. rotate keeps a copy of the last one.
func (r Request) record(rotate bool, report func(follow.Event)) (*record, error) {
	if r.LogFile == "" {
		return &record{nil, report}, nil
	}
	open := logfile.Open
	if rotate {
		open = logfile.Rotate
	}
	f, err := open(r.LogFile, mostText)
	return &record{f, report}, err
}

func (l *record) event(e follow.Event) {
	if e.Line != "" {
		l.write(e.Line)
	}
	if l.report != nil {
		l.report(e)
	}
}

// write adds a text of one line or several.
func (l *record) write(text string) {
	if l.to != nil {
		fmt.Fprintln(l.to, strings.TrimRight(clean.Text(text), "\n")) // never fails
	}
}

// end writes how it ended, and closes the log.
func (l *record) end(err error) {
	if l.to == nil {
		return
	}
	switch told, ok := errors.AsType[fault.Told](err); {
	case errors.Is(err, context.Canceled):
		l.write("\nCancelled.")
	case err != nil:
		l.write("\n" + err.Error())
		if ok {
			for _, hint := range told.Hints() {
				l.write("  " + hint)
			}
		}
	}
	_ = l.to.Close() // as Write
}
