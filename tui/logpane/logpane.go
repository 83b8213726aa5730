// Package logpane shows the log of a long run: the last lines of it, at the
// tail or stopped anywhere, with search.
//
// The worker calls Append from its own goroutine, as often as it likes: it
// takes a lock for a moment and never waits for the screen. The page draws
// at its own pace, and only if Version has moved. Everything else belongs to
// the goroutine of the screen. Lines are cleaned once, on entry.
package logpane

import (
	"strings"
	"sync"

	"piwiz/tui/clean"
)

// Keep is how many lines the pane remembers; the full log is a file.
const Keep = 5000

// Line is one line of the log.
type Line struct {
	Text string
	Of   string // what it is about, e.g. a derivation; "" for the run itself
	Err  bool   // an error: stays marked
}

// ring holds the last Keep lines.
type ring struct {
	lines []Line // line number i is at i%Keep
	total int    // lines ever appended
}

func (r *ring) add(l Line) {
	if len(r.lines) < Keep {
		r.lines = append(r.lines, l)
	} else {
		r.lines[r.total%Keep] = l
	}
	r.total++
}

// first returns the number of the oldest line that is kept.
func (r *ring) first() int { return max(0, r.total-Keep) }

func (r *ring) line(i int) Line { return r.lines[i%Keep] }

// Pane is the log on the screen. Make it with New.
type Pane struct {
	mu      sync.Mutex
	all     ring
	only    string // the lines about this alone are shown, "" is all
	part    ring   // these
	version uint64

	follow bool
	top    int // number of the first line shown while not following
	height int // lines of log in the last View

	typing bool   // the search is being typed
	query  string // lower case; what is searched for
	found  int    // number of the line last jumped to, -1 for none
	missed bool   // the last search found nothing
}

// New returns an empty pane that follows the tail.
func New() *Pane { return &Pane{follow: true, height: 1, found: -1} }

// Append adds lines at the end, cleaned. It may be called from any
// goroutine.
func (p *Pane) Append(lines ...Line) {
	cleaned := make([]Line, len(lines))
	for i, l := range lines {
		cleaned[i] = Line{clean.Line(l.Text), clean.Line(l.Of), l.Err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range cleaned {
		p.all.add(l)
		if p.only != "" && l.Of == p.only {
			p.part.add(l)
		}
	}
	p.version++
}

// Version is another number after every change of what View would show. It
// may be called from any goroutine.
func (p *Pane) Version() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

// Tail returns the last n lines, or all there are: for the page that tells
// of a failure.
func (p *Pane) Tail(n int) []Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Line
	for i := max(p.all.first(), p.all.total-n); i < p.all.total; i++ {
		out = append(out, p.all.line(i))
	}
	return out
}

// Following tells whether the pane stays at the tail.
func (p *Pane) Following() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.follow
}

// Searching tells whether letters and esc belong to the pane: a search is
// being typed, its hits are marked, or some lines are hidden.
func (p *Pane) Searching() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.typing || p.query != "" || p.only != ""
}

// Typing tells whether a search is being typed: then no letter is a shortcut
// of the page.
func (p *Pane) Typing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.typing
}

// shown are the lines that the window moves over.
func (p *Pane) shown() *ring {
	if p.only != "" {
		return &p.part
	}
	return &p.all
}

// window returns the number of the first line to show.
func (p *Pane) window() int {
	r := p.shown()
	last := max(r.first(), r.total-p.height)
	if p.follow {
		return last
	}
	return max(r.first(), min(p.top, last))
}

// scroll moves the window to start at line top; at the tail it follows.
func (p *Pane) scroll(top int) {
	p.top = top
	p.follow = false
	p.top = p.window()
	p.follow = p.top >= p.shown().total-p.height
}

// find jumps to the next line with the query, from line from on in steps of
// step (1 or -1), and round the end once.
func (p *Pane) find(from, step int) {
	r := p.shown()
	first, kept := r.first(), len(r.lines)
	p.missed = false
	for n := range kept {
		i := first + ((from+n*step-first)%kept+kept)%kept
		if strings.Contains(strings.ToLower(r.line(i).Text), p.query) {
			p.found = i
			p.scroll(i - p.height/2)
			p.follow = false
			return
		}
	}
	p.missed = true
}

// narrow shows the lines about one thing alone: of the newest line first, then
// of older ones, then all again.
func (p *Pane) narrow() {
	was, past := p.only, p.only == ""
	seen := map[string]bool{}
	p.only = ""
	for i := p.all.total - 1; i >= p.all.first(); i-- {
		of := p.all.line(i).Of
		if of == "" || seen[of] {
			continue
		}
		if past {
			p.only = of
			break
		}
		seen[of], past = true, of == was
	}
	p.refill()
}

// refill gathers the lines that are shown.
func (p *Pane) refill() {
	p.part, p.follow, p.found = ring{}, true, -1
	for i := p.all.first(); i < p.all.total && p.only != ""; i++ {
		if l := p.all.line(i); l.Of == p.only {
			p.part.add(l)
		}
	}
}
