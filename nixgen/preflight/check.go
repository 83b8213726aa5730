package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"piwiz/nixgen/fault"
)

// Check is one thing that this computer must have. Run finds out; it changes
// nothing.
type Check struct {
	Name string
	// Last checks are slow: they are asked when all the others are done and
	// none of them failed.
	Last bool
	// Needed says whether anything depends on it: of what another builder would
	// need, nothing is shown. nil is always.
	Needed func(ctx context.Context) bool
	Run    func(ctx context.Context) Finding
}

// find is what the check found out. A slow one is not run in vain.
func (c Check) find(ctx context.Context) Finding {
	if c.Last && !c.needed(ctx) {
		return Finding{State: Unneeded}
	}
	f := c.Run(ctx)
	if !c.needed(ctx) {
		return Finding{State: Unneeded}
	}
	return f
}

func (c Check) needed(ctx context.Context) bool { return c.Needed == nil || c.Needed(ctx) }

// State is how a check ended.
type State string

// The states. Skipped is a check that another one's failure left without an
// answer; Unneeded is one that says nothing, see Check.Needed.
const (
	OK       State = "ok"
	Warning  State = "warning"
	Failure  State = "failure"
	Skipped  State = "skipped"
	Unneeded State = "unneeded"
)

// Finding is what a check found out.
type Finding struct {
	State   State
	What    string   // one sentence, with the numbers
	Why     string   // why it matters, "" when all is well
	Command string   // shell line that fixes it, "" when there is none to run
	Todo    []string // what else to do, in sentences
	Begins  string   // what going on begins, "" for nothing: part of a sentence
}

// Found makes a finding of what a check returns.
func Found(what string, err error) Finding {
	var p *Problem
	switch {
	case err == nil:
		return Finding{State: OK, What: what}
	case errors.Is(err, ErrEarlier):
		return Finding{State: Skipped, What: err.Error()}
	case errors.As(err, &p):
		f := Finding{State: Failure, What: p.Headline, Why: p.Why, Todo: p.Todo}
		if p.Runs {
			f.Command, f.Todo = p.Todo[0], p.Todo[1:]
		}
		if p.Warning {
			f.State = Warning
		}
		return f
	}
	var todo []string
	if told, ok := errors.AsType[fault.Told](err); ok {
		todo = told.Hints()
	}
	// The hints that are commands come first and can be run as they are.
	n := slices.IndexFunc(todo, func(h string) bool { return !strings.HasPrefix(h, "sudo ") })
	if n < 0 {
		n = len(todo)
	}
	return Finding{State: Failure, What: err.Error(), Command: strings.Join(todo[:n], " && "), Todo: todo[n:]}
}

// Ask runs checks side by side. The last ones are asked when all the others are done
// and none of them failed, or if deep. report gets each finding with its place in
// all, one at a time; all were reported when Ask returns. start runs do in a
// goroutine of its own and tells done how it ended: an error, of a panic too, becomes
// the finding of its check.
func Ask(ctx context.Context, all []Check, deep bool, start func(do func() error, done func(error)), report func(i int, f Finding)) {
	var mu sync.Mutex
	bad := false
	tell := func(i int, f Finding) {
		mu.Lock()
		defer mu.Unlock()
		bad = bad || f.State == Failure
		report(i, f)
	}
	run := func(last bool) {
		var work sync.WaitGroup
		for i, c := range all {
			if c.Last != last {
				continue
			}
			work.Add(1)
			start(func() error { tell(i, c.find(ctx)); return nil }, func(err error) {
				if err != nil {
					f := Found("", err)
					f.What = "The check of the " + c.Name + " stopped: " + f.What
					tell(i, f)
				}
				work.Done()
			})
		}
		work.Wait()
	}
	run(false)
	if !bad || deep {
		run(true)
		return
	}
	for i, c := range all {
		if c.Last {
			f := Finding{State: Skipped, What: "The " + c.Name + " waits until what is missing is fixed."}
			if !c.needed(ctx) {
				f = Finding{State: Unneeded}
			}
			tell(i, f)
		}
	}
}
