// Package meter counts what a run does to a card, and tells from that how far it
// is, how fast, and how long it will take. It asks the card nothing.
package meter

import (
	"sync"
	"time"
)

// window is how far back the rate looks: long enough to be calm, short enough
// to follow a card that gets slower.
const window = 5 * time.Second

// longest is how many seconds are told as the time left; a card that has more
// to go hangs.
const longest = 100 * 3600

// Meter counts what the card did; many add, one samples.
type Meter struct {
	mu      sync.Mutex
	now     Progress
	history []mark
}

type mark struct {
	at   time.Time
	done int64
}

// New is that of a run that has total bytes to write.
func New(total int64) *Meter {
	m := &Meter{}
	m.Begin(Writing, total)
	return m
}

// Begin begins a stage that has total bytes to settle.
func (m *Meter) Begin(s Stage, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Stage, m.now.Done, m.now.Total = s, 0, total
	m.history = []mark{{time.Now(), 0}}
}

// More adds to what the stage has to do.
func (m *Meter) More(total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Total = m.now.Done + total
}

// Settled counts bytes of the stage.
func (m *Meter) Settled(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Done += n
	m.now.Total = max(m.now.Total, m.now.Done)
	at := time.Now()
	m.history = append(m.history, mark{at, m.now.Done})
	for len(m.history) > 2 && at.Sub(m.history[0].at) > window {
		m.history = m.history[1:]
	}
}

// Count adds to the counts of the whole run.
func (m *Meter) Count(c Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &m.now.Counts
	*t = Counts{t.Read + c.Read, t.Written + c.Written, t.Skipped + c.Skipped, t.Verified + c.Verified, t.Rewritten + c.Rewritten}
}

// Counts are those of the whole run so far.
func (m *Meter) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Counts
}

// Sample is how far the run is, when the card has not answered for so long.
func (m *Meter) Sample(now time.Time, waiting time.Duration) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
	if waiting >= stallAfter {
		p.Stalled = waiting
	}
	p.Left = -1
	oldest := m.history[0]
	if d := now.Sub(oldest.at); d > 300*time.Millisecond && p.Done > oldest.done {
		p.Rate = float64(p.Done-oldest.done) / d.Seconds()
		if p.Total > 0 {
			if left := float64(p.Total-p.Done) / p.Rate; left < longest {
				p.Left = time.Duration(left * float64(time.Second))
			}
		}
	}
	return p
}
