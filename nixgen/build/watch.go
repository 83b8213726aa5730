package build

import (
	"path"
	"slices"
	"strings"
	"time"

	"piwiz/nixgen/nix"
)

// tailLines is how much of each derivation's log is kept for a failure.
const tailLines = 40

// watch follows the events of one build.
type watch struct {
	request Request
	report  func(Event)
	now     map[uint64]*running
	causes  []string // error messages in order; the first one is the cause
	files   []string // where each cause is, "" when Nix does not say
	tails   map[string][]string
	p       Progress
	bytes   map[uint64][2]int64 // of each download: done and expected
}

type running struct {
	drv string
	Running
}

func newWatch(r Request, report func(Event)) *watch {
	if report == nil {
		report = func(Event) {}
	}
	return &watch{request: r, report: report, now: map[uint64]*running{}, tails: map[string][]string{}, bytes: map[uint64][2]int64{}, p: Progress{Stage: "reading the configuration"}}
}

// name is a store path without its folder, hash and ending.
func name(drv string) string {
	base := strings.TrimSuffix(path.Base(drv), ".drv")
	if len(base) > 33 && base[32] == '-' {
		return base[33:]
	}
	return base
}

func (w *watch) event(e nix.Event) {
	out := Event{}
	switch e.Action {
	case nix.Start:
		out.Line = w.start(e)
	case nix.Stop:
		delete(w.now, e.ID)
	case nix.Result:
		out = w.result(e)
	case nix.Msg:
		out.Line, out.Error = w.msg(e)
	case nix.Plain:
		out.Line = strip(e.Text)
	}
	w.p.Now = w.p.Now[:0:0]
	for _, r := range w.now {
		w.p.Now = append(w.p.Now, r.Running)
	}
	slices.SortFunc(w.p.Now, func(a, b Running) int { return a.Since.Compare(b.Since) })
	out.Progress = w.p
	w.report(out)
}

func (w *watch) start(e nix.Event) string {
	switch e.Type {
	case nix.Build:
		drv := e.Str(0)
		w.now[e.ID] = &running{drv, Running{Name: name(drv), Since: time.Now()}}
		w.p.Stage = "building"
		return "building " + name(drv)
	case nix.CopyPath, nix.FileTransfer:
		if w.p.Stage != "building" {
			w.p.Stage = "fetching"
		}
	}
	return ""
}

func (w *watch) result(e nix.Event) Event {
	r := w.now[e.ID]
	switch {
	case e.Type == nix.BuildLogLine && r != nil:
		line := strip(e.Str(0))
		tail := append(w.tails[r.drv], line)
		w.tails[r.drv] = tail[max(0, len(tail)-tailLines):]
		return Event{Line: r.Name + "> " + line, Derivation: r.drv}
	case e.Type == nix.SetPhase && r != nil:
		r.Phase = e.Str(0)
	case e.Type == nix.Progress && r == nil:
		w.count(e)
	}
	return Event{}
}

// count keeps the figures from going back: Nix counts some things anew.
func (w *watch) count(e nix.Event) {
	done, expected := e.Num(0), e.Num(1)
	if expected < 1<<16 { // derivations; downloads are counted in bytes
		w.p.Done = max(w.p.Done, int(done))
		w.p.Expected = max(w.p.Expected, int(expected))
		return
	}
	w.bytes[e.ID] = [2]int64{done, expected}
	var d, x int64
	for _, b := range w.bytes {
		d, x = d+b[0], x+b[1]
	}
	w.p.BytesDone, w.p.BytesExpected = max(w.p.BytesDone, d), max(w.p.BytesExpected, x)
}

func (w *watch) msg(e nix.Event) (line string, isError bool) {
	text := strip(e.Msg)
	if e.Level == 0 && !strings.HasPrefix(text, "warning:") && !strings.HasPrefix(text, "(use ") {
		cause := strip(e.RawMsg)
		if cause == "" {
			cause = strings.TrimPrefix(text, "error: ")
		}
		w.causes = append(w.causes, cause+"\n"+text)
		w.files = append(w.files, e.File)
		return firstLine(text), true
	}
	if e.Level >= 4 && strings.HasPrefix(text, "evaluating file") {
		return "", false // a heartbeat, thousands of them
	}
	return firstLine(text), false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// strip removes escape sequences (ECMA-48) and what could move the cursor;
// Nix leaves both in its JSON.
func strip(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == 0x1b && i+1 < len(s) && s[i+1] == '[':
			for i += 2; i < len(s) && (s[i] < 0x40 || s[i] > 0x7e); i++ {
			}
		case c == 0x1b:
			i++
		case c < ' ' && c != '\n' && c != '\t' || c == 0x7f:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
