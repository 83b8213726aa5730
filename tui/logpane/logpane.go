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
)

// Keep is how many lines the pane remembers; the full log is a file.
const Keep = 5000

// Line is one line of the log.
type Line struct {
	Text string
	Err  bool // an error: stays marked
}

// Pane is the log on the screen. Make it with New.
type Pane struct {
	mu      sync.Mutex
	ring    []Line // line number i is at i%Keep
	total   int    // lines ever appended
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
	clean := make([]Line, len(lines))
	for i, l := range lines {
		clean[i] = Line{Clean(l.Text), l.Err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range clean {
		if len(p.ring) < Keep {
			p.ring = append(p.ring, l)
		} else {
			p.ring[p.total%Keep] = l
		}
		p.total++
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
	for i := max(p.first(), p.total-n); i < p.total; i++ {
		out = append(out, p.line(i))
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
// being typed, or its hits are marked.
func (p *Pane) Searching() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.typing || p.query != ""
}

// Typing tells whether a search is being typed: then no letter is a shortcut
// of the page.
func (p *Pane) Typing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.typing
}

// first returns the number of the oldest line that is kept.
func (p *Pane) first() int { return max(0, p.total-Keep) }

func (p *Pane) line(i int) Line { return p.ring[i%Keep] }

// window returns the number of the first line to show.
func (p *Pane) window() int {
	last := max(p.first(), p.total-p.height)
	if p.follow {
		return last
	}
	return max(p.first(), min(p.top, last))
}

// scroll moves the window to start at line top; at the tail it follows.
func (p *Pane) scroll(top int) {
	p.top = top
	p.follow = false
	p.top = p.window()
	p.follow = p.top >= p.total-p.height
}

// find jumps to the next line with the query, from line from on in steps of
// step (1 or -1), and round the end once.
func (p *Pane) find(from, step int) {
	first, kept := p.first(), len(p.ring)
	p.missed = false
	for n := range kept {
		i := first + ((from+n*step-first)%kept+kept)%kept
		if strings.Contains(strings.ToLower(p.line(i).Text), p.query) {
			p.found = i
			p.scroll(i - p.height/2)
			p.follow = false
			return
		}
	}
	p.missed = true
}
