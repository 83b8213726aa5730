package flash

import (
	"sync"
	"time"
)

// window is how far back the rate looks: long enough to be calm, short enough
// to follow a card that gets slower.
const window = 5 * time.Second

// stallAfter is when a silent card is said to be stalled.
const stallAfter = 10 * time.Second

// meter counts what the card did; the worker adds, the monitor samples.
type meter struct {
	mu      sync.Mutex
	now     Stage
	done    int64
	total   int64
	last    time.Time // when the card last answered
	history []mark
}

type mark struct {
	at   time.Time
	done int64
}

func newMeter(total int64) *meter {
	return &meter{total: max(total, 0), last: time.Now(), history: []mark{{time.Now(), 0}}}
}

func (m *meter) stage(s Stage, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.done, m.total, m.last = s, 0, total, time.Now()
	m.history = []mark{{m.last, 0}}
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.total = max(m.total, m.done)
	m.last = time.Now()
	m.history = append(m.history, mark{m.last, m.done})
	for len(m.history) > 2 && m.last.Sub(m.history[0].at) > window {
		m.history = m.history[1:]
	}
}

func (m *meter) sample(now time.Time) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := Progress{Stage: m.now, Done: m.done, Total: m.total, Left: -1}
	oldest := m.history[0]
	if d := now.Sub(oldest.at); d > 300*time.Millisecond && m.done > oldest.done {
		p.Rate = float64(m.done-oldest.done) / d.Seconds()
		if m.total > 0 {
			p.Left = time.Duration(float64(m.total-m.done) / p.Rate * float64(time.Second))
		}
	}
	if s := now.Sub(m.last); s >= stallAfter {
		p.Stalled = s
	}
	return p
}
