package flash

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

// meter counts what the card did; the lanes add, the monitor samples.
type meter struct {
	mu      sync.Mutex
	now     Progress
	history []mark
}

type mark struct {
	at   time.Time
	done int64
}

func newMeter(total int64) *meter {
	m := &meter{}
	m.stage(Writing, total)
	return m
}

func (m *meter) stage(s Stage, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Stage, m.now.Done, m.now.Total = s, 0, total
	m.history = []mark{{time.Now(), 0}}
}

// more adds to what the stage has to do.
func (m *meter) more(total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Total = m.now.Done + total
}

// settled counts bytes of the stage.
func (m *meter) settled(n int64) {
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

// count adds to the counts of the whole run.
func (m *meter) count(c Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &m.now.Counts
	*t = Counts{t.Read + c.Read, t.Written + c.Written, t.Skipped + c.Skipped, t.Verified + c.Verified, t.Rewritten + c.Rewritten}
}

func (m *meter) sample(now time.Time) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
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
