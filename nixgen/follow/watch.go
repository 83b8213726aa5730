// Package follow turns what Nix says during a build into progress and lines for
// people, and keeps what explains a failure. It knows neither where Nix runs nor
// what it was told to build.
package follow

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// tail is how many of a builder's last lines are kept for a failure.
const tail = 30

// longest is how many bytes of one line are kept: a builder may write a
// megabyte without a newline.
const longest = 4 << 10

// kept is how many finished builders are remembered: the message that one
// failed comes after its end.
const kept = 64

// often is the shortest time between two reports that bring no line. Nix sends
// about 170 numbers per MiB of a download.
const often = 100 * time.Millisecond

type activity struct {
	kind        nix.Activity
	text        string
	drv         string // store path of the derivation
	phase       string
	since       time.Time
	done, total int64 // bytes
	source      bool  // of a download: of the flake's inputs, not of the store
}

// Event tells what happens. Line is one clean line of the log, "" when only the
// progress changed; Derivation is whose line it is, "" for Nix's own.
type Event struct {
	Line       string
	Derivation string
	Error      bool
	Progress   Progress
}

// Watch follows one nix build. Its methods are called on one goroutine.
type Watch struct {
	Trace func(string) // takes the whole text of an error of which the cause is reported; may be nil

	report    func(Event)
	now       func() time.Time
	began     time.Time
	last      time.Time // that the numbers were renewed
	p, latest Progress
	counts    counts
	speed     rate
	forecast  *forecast.Forecast
	realising bool // Nix knows what there is to do
	changed   bool // what runs now is not reported yet: Nix may be silent for long from here on
	active    map[uint64]*activity
	order     []uint64 // active builds, oldest first
	together  int      // most builds at once since the last one began
	finished  []string // derivations whose log is still kept, oldest first
	seen      diagnose.Seen
}

// New is a watch that begins now, on a computer where earlier builds took past.
// report may be nil; it runs on the goroutine that calls the watch.
func New(past forecast.Times, report func(Event)) *Watch { return newWatch(time.Now, past, report) }

func newWatch(now func() time.Time, past forecast.Times, report func(Event)) *Watch {
	began := now()
	return &Watch{
		report: report, now: now, began: began, counts: newCounts(), active: map[uint64]*activity{},
		forecast: forecast.New(past, began),
		seen:     diagnose.Seen{Logs: map[string][]string{}, Machines: map[string]string{}},
		p:        Progress{Stage: Starting, Since: began, Left: -1},
	}
}

// Event takes the next event of Nix.
func (w *Watch) Event(e nix.Event) {
	switch e.Action {
	case nix.Start:
		w.start(e)
	case nix.Stop:
		w.stop(e.ID)
	case nix.Result:
		w.result(e)
	case nix.Msg, nix.Plain:
		w.message(e)
	}
	if w.changed || w.now().Sub(w.last) >= often {
		w.send(Event{})
	}
}

func (w *Watch) start(e nix.Event) {
	a := &activity{kind: e.Activity, text: e.Text, since: w.now()}
	w.active[e.ID] = a
	switch e.Activity {
	case nix.Unknown:
		switch {
		case w.realising:
		case strings.HasPrefix(e.Text, "evaluating "):
			w.Stage(reading)
		case strings.HasPrefix(e.Text, "querying info about missing"):
			w.Stage(asking)
		}
	case nix.Realise:
		w.realising = true
		w.forecast.Planned(w.now())
	case nix.Build:
		a.drv = e.TextAt(0)
		if machine := e.TextAt(1); machine != "" { // the nested one, that the machine reports, names none
			w.seen.Machines[a.drv] = machine
		}
		w.forecast.Start(a.drv, nix.StoreName(a.drv), a.since)
		w.order, w.changed = append(w.order, e.ID), true
		w.together = len(w.running())
		w.Stage(building)
		w.say("building "+nix.StoreName(a.drv), nix.StoreName(a.drv), false)
	case nix.CopyPath:
		if len(w.order) == 0 {
			w.Stage(fetching)
		}
		w.say("fetching "+nix.StoreName(e.TextAt(0)), "", false)
	case nix.FileTransfer:
		if a.source = !w.realising; a.source && w.p.Stage != asking {
			w.Stage(sources)
		}
	case nix.BuildWaiting:
		w.changed = true
		w.say(e.Text, "", false)
	}
}

func (w *Watch) stop(id uint64) {
	a := w.active[id]
	if a == nil {
		return
	}
	delete(w.active, id)
	switch a.kind {
	case nix.FileTransfer:
		if a.source {
			w.counts.sourcesDone = plus(w.counts.sourcesDone, a.done)
			w.counts.sourcesTotal = plus(w.counts.sourcesTotal, a.done)
		} else {
			w.counts.storeDone = plus(w.counts.storeDone, a.done)
		}
	case nix.BuildWaiting:
		w.changed = true
	case nix.Build:
		w.changed = true
		w.order = slices.DeleteFunc(w.order, func(x uint64) bool { return x == id })
		if !slices.ContainsFunc(w.order, func(x uint64) bool { return w.active[x].drv == a.drv }) {
			w.forecast.Finish(a.drv, w.now())
		}
		w.seen.Last = ""
		if w.together == 1 {
			w.seen.Last = a.drv
		}
		w.finished = append(w.finished, a.drv)
		if len(w.finished) > kept {
			delete(w.seen.Logs, w.finished[0])
			delete(w.seen.Machines, w.finished[0])
			w.finished = w.finished[1:]
		}
	}
}

func (w *Watch) result(e nix.Event) {
	a := w.active[e.ID]
	numbers := [4]int64{e.NumAt(0), e.NumAt(1), e.NumAt(2), e.NumAt(3)}
	switch {
	case a == nil:
	case e.Kind == nix.SetExpected && a.kind == nix.Realise && numbers[0] == int64(nix.FileTransfer):
		w.counts.expected[e.ID] = max(w.counts.expected[e.ID], numbers[1])
	case e.Kind == nix.LogLine:
		line := short(e.TextAt(0))
		w.seen.Logs[a.drv] = lastOf(append(w.seen.Logs[a.drv], line), tail)
		w.say(line, nix.StoreName(a.drv), false)
	case e.Kind == nix.SetPhase:
		a.phase, w.changed = e.TextAt(0), true
	case e.Kind != nix.Progress:
	case a.kind == nix.Builds:
		w.counts.count(e.ID, numbers)
	case a.kind == nix.CopyPaths && a.text == "": // with a text it is an upload
		w.counts.paths[e.ID] = numbers
	case a.kind == nix.FileTransfer:
		a.done, a.total = max(a.done, numbers[0]), max(a.total, numbers[1])
	}
}

func (w *Watch) message(e nix.Event) {
	if e.Level > nix.LevelInfo {
		w.seen.Note(e)
		if !w.realising && strings.HasPrefix(e.Text, "evaluating file") {
			w.Stage(reading)
		}
		return
	}
	// A dry run announces at the level of errors.
	drv, ours := w.counts.said.read(e.Text)
	if drv != "" {
		w.forecast.Expect(drv, nix.StoreName(drv), needs(drv))
	}
	if ours {
		return // the plan tells it in two lines; here it may be thousands
	}
	w.seen.Note(e)
	bad := diagnose.Cause(e)
	text := e.Text
	if bad && e.Cause != "" {
		text = "error: " + e.Cause // the trace has hundreds of lines
		if w.Trace != nil {
			w.Trace(e.Text)
		}
	}
	for line := range strings.Lines(text) {
		w.say(short(strings.TrimRight(line, "\n")), "", bad)
	}
}

// Stage notes what is being done from now on, in words.
func (w *Watch) Stage(name string) {
	if w.p.Stage == name {
		return
	}
	now := w.now()
	if w.p.Stage == reading {
		w.p.Evaluating += now.Sub(w.p.Since)
	}
	w.p.Stage, w.p.Since, w.changed = name, now, true
}

// Say reports one line that is not Nix's.
func (w *Watch) Say(line string) { w.say(line, "", false) }

func (w *Watch) say(line, derivation string, bad bool) {
	if strings.TrimSpace(line) == "" {
		return
	}
	w.send(Event{Line: line, Derivation: derivation, Error: bad})
}

// Finish sends the last event, with the last stage. Nix stops counting before the
// last of a successful build, so then all is done.
func (w *Watch) Finish(stage string) {
	w.Stage(stage)
	w.update()
	w.changed = true
	if stage == Done {
		w.p.Done, w.p.Fetched, w.p.Share, w.p.Left = w.p.Expected, w.p.ToFetch, 1, 0
	}
	w.send(Event{Error: stage == Failed})
}

// Seen is what explains a failure.
func (w *Watch) Seen() diagnose.Seen { return w.seen }

// Learn adds what this build took to the times of earlier ones.
func (w *Watch) Learn() forecast.Times { return w.forecast.Learn(w.p.Evaluating) }

func (w *Watch) send(e Event) {
	if w.report == nil {
		w.changed = false
		return
	}
	// A builder may write 100 000 lines: they share the numbers of a moment.
	if now := w.now(); w.changed || now.Sub(w.last) >= often {
		w.last, w.changed = now, false
		w.progress()
	}
	e.Progress = w.latest
	w.report(e)
}

// short cuts a line between two characters.
func short(line string) string {
	if len(line) <= longest {
		return line
	}
	cut := longest
	for !utf8.RuneStart(line[cut]) {
		cut--
	}
	return line[:cut] + "…"
}

func lastOf(lines []string, n int) []string {
	return lines[max(0, len(lines)-n):]
}
