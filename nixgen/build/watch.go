package build

import (
	"strings"
	"time"

	"piwiz/nixgen/nix"
)

// tail is how many of a builder's last lines are kept for a failure.
const tail = 30

// kept is how many finished builders are remembered: the message that one
// failed comes after its end.
const kept = 64

// often is the shortest time between two reports that bring no line. Nix sends
// about 170 numbers per MiB of a download.
const often = 100 * time.Millisecond

// Progress is how far the build is. Numbers never go back.
type Progress struct {
	Done, Expected, Running, Failed int   // derivations; Expected grows as Nix finds work
	BytesDone, BytesExpected        int64 // of downloads; Expected 0 is unknown
	Now                             []Running
	Stage                           string // in words
	Elapsed                         time.Duration
}

// Running is a derivation that is being built.
type Running struct {
	Name  string
	Phase string // "" before the first
	Since time.Time
}

type activity struct {
	kind        nix.Activity
	drv         string // store path of the derivation
	phase       string
	since       time.Time
	done, total int64 // bytes
}

// watch follows one nix build.
type watch struct {
	report   func(Event)
	began    time.Time
	last     time.Time // of a report
	p        Progress
	active   map[uint64]*activity
	order    []uint64 // active builds, oldest first
	logs     map[string][]string
	finished []string // derivations whose log is still kept, oldest first
	bytes    int64    // of finished downloads
	source   string   // store copy of the user's flake
	errors   []nix.Event
	plain    []string
}

func newWatch(began time.Time, report func(Event)) *watch {
	return &watch{
		report: report, began: began,
		active: map[uint64]*activity{}, logs: map[string][]string{},
		p: Progress{Stage: "reading the configuration"},
	}
}

func (w *watch) event(e nix.Event) {
	switch e.Action {
	case nix.Start:
		w.start(e)
	case nix.Stop:
		w.stop(e.ID)
	case nix.Result:
		w.result(e)
	case nix.Msg:
		w.message(e)
	case nix.Plain:
		w.plain = lastOf(append(w.plain, e.Text), tail)
		w.say(e.Text, "", strings.HasPrefix(e.Text, "error:"))
	}
	w.tick()
}

func (w *watch) start(e nix.Event) {
	a := &activity{kind: e.Activity, since: time.Now()}
	w.active[e.ID] = a
	switch e.Activity {
	case nix.Build:
		a.drv = e.TextAt(0)
		w.order = append(w.order, e.ID)
		w.p.Stage = "building"
		w.say("building "+Name(a.drv), Name(a.drv), false)
	case nix.CopyPath:
		w.p.Stage = "fetching"
		w.say("fetching "+Name(e.TextAt(0)), "", false)
	case nix.FileTransfer:
		if w.p.Stage != "building" {
			w.p.Stage = "fetching"
		}
	case nix.BuildWaiting:
		w.say(e.Text, "", false)
	}
}

func (w *watch) stop(id uint64) {
	a := w.active[id]
	if a == nil {
		return
	}
	delete(w.active, id)
	switch a.kind {
	case nix.FileTransfer:
		w.bytes += a.done
	case nix.Build:
		w.order = without(w.order, id)
		w.finished = append(w.finished, a.drv)
		if len(w.finished) > kept {
			delete(w.logs, w.finished[0])
			w.finished = w.finished[1:]
		}
	}
}

func (w *watch) result(e nix.Event) {
	a := w.active[e.ID]
	switch {
	case e.Kind == nix.SetExpected && e.NumAt(0) == int64(nix.FileTransfer):
		w.p.BytesExpected = max(w.p.BytesExpected, e.NumAt(1))
	case a == nil:
	case e.Kind == nix.LogLine:
		w.logs[a.drv] = lastOf(append(w.logs[a.drv], e.TextAt(0)), tail)
		w.say(e.TextAt(0), Name(a.drv), false)
	case e.Kind == nix.SetPhase:
		a.phase = e.TextAt(0)
	case e.Kind == nix.Progress && a.kind == nix.Builds:
		w.p.Done = max(w.p.Done, int(e.NumAt(0)))
		w.p.Expected = max(w.p.Expected, int(e.NumAt(1)))
		w.p.Failed = max(w.p.Failed, int(e.NumAt(3)))
	case e.Kind == nix.Progress && a.kind == nix.FileTransfer:
		a.done, a.total = max(a.done, e.NumAt(0)), max(a.total, e.NumAt(1))
	}
}

func (w *watch) message(e nix.Event) {
	if e.Level > nix.LevelInfo {
		w.evaluating(e.Text)
		return
	}
	if e.Level == nix.LevelError {
		w.errors = append(w.errors, e)
	}
	for line := range strings.Lines(e.Text) {
		w.say(strings.TrimRight(line, "\n"), "", e.Level == nix.LevelError)
	}
}

// evaluating learns from "evaluating file '/nix/store/...-source/flake.nix'":
// the first one is the user's own flake.
func (w *watch) evaluating(text string) {
	path, ok := strings.CutPrefix(text, "evaluating file '")
	if !ok || w.source != "" {
		return
	}
	if dir, ok := strings.CutSuffix(path, "/flake.nix'"); ok {
		w.source = dir
	}
}

// say reports one line.
func (w *watch) say(line, derivation string, bad bool) {
	if strings.TrimSpace(line) == "" {
		return
	}
	w.send(Event{Line: line, Derivation: derivation, Error: bad})
}

// tick reports the numbers now and then.
func (w *watch) tick() {
	if time.Since(w.last) >= often {
		w.send(Event{})
	}
}

// finish sends the last event. Nix stops counting before the last of a
// successful build, so then all is done.
func (w *watch) finish(stage string) {
	w.p.Stage = stage
	if stage == "done" {
		w.p.Done = max(w.p.Done, w.p.Expected)
	}
	w.send(Event{Error: stage == "failed"})
}

func (w *watch) send(e Event) {
	if w.report == nil {
		return
	}
	w.last = time.Now()
	e.Progress = w.progress()
	w.report(e)
}

func (w *watch) progress() Progress {
	p := w.p
	p.Elapsed = time.Since(w.began)
	done, total := w.bytes, w.bytes
	for _, a := range w.active {
		if a.kind == nix.FileTransfer {
			done, total = done+a.done, total+max(a.total, a.done)
		}
	}
	w.p.BytesDone = max(w.p.BytesDone, done)
	w.p.BytesExpected = max(w.p.BytesExpected, total)
	p.BytesDone, p.BytesExpected = w.p.BytesDone, w.p.BytesExpected
	seen := map[string]bool{}
	for _, id := range w.order {
		a := w.active[id]
		if seen[a.drv] { // a remote build is told twice: there and here
			continue
		}
		seen[a.drv] = true
		p.Now = append(p.Now, Running{Name: Name(a.drv), Phase: a.phase, Since: a.since})
	}
	p.Running = len(p.Now)
	return p
}

// Name is what people call a store path or a derivation: without the folder,
// the hash and .drv.
func Name(path string) string {
	path = strings.TrimPrefix(path, "/nix/store/")
	if len(path) > 33 && path[32] == '-' {
		path = path[33:]
	}
	return strings.TrimSuffix(path, ".drv")
}

func lastOf(lines []string, n int) []string {
	return lines[max(0, len(lines)-n):]
}

func without(ids []uint64, id uint64) []uint64 {
	for i, x := range ids {
		if x == id {
			return append(ids[:i], ids[i+1:]...)
		}
	}
	return ids
}
