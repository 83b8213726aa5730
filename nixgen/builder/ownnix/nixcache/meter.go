package nixcache

import "sync"

// meter adds up what several downloads report.
type meter struct {
	mu     sync.Mutex
	now    Progress
	report func(Progress)
	parts  []part
}

// part is one download.
type part struct {
	m        *meter
	expected int64 // bytes
	seen     int64 // the most that an attempt got
}

func newMeter(infos []Info, report func(Progress)) *meter {
	if report == nil {
		report = func(Progress) {}
	}
	m := &meter{report: report, parts: make([]part, len(infos))}
	for k, i := range infos {
		m.parts[k] = part{m: m, expected: i.download()}
		m.now.AllBytes += i.download()
	}
	m.now.AllParts = len(infos)
	report(m.now)
	return m
}

func (m *meter) part(k int) *part { return &m.parts[k] }

// at says how many bytes this attempt has.
func (p *part) at(n int64) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if n <= p.seen {
		return
	}
	p.m.now.Bytes += n - p.seen
	p.seen = n
	p.expect(max(p.expected, n))
	p.m.report(p.m.now)
}

// done says that it is whole.
func (p *part) done() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.expect(p.seen)
	p.m.now.Parts++
	p.m.report(p.m.now)
}

func (p *part) expect(n int64) {
	p.m.now.AllBytes += n - p.expected
	p.expected = n
}

// expectFile corrects what is expected by what a server says, as far as that can
// be.
func (p *part) expectFile(length, most int64) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if length > 0 && length <= most {
		p.expect(max(length, p.seen))
		p.m.report(p.m.now)
	}
}
