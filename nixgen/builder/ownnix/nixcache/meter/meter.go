// Package meter adds up how far several downloads are.
package meter

import (
	"sync"

	"piwiz/nixgen/builder/ownnix/narinfo"
)

// Progress is how far a download is. Parts and Bytes never go back.
type Progress struct {
	Parts, AllParts int   // store paths
	Bytes, AllBytes int64 // of the compressed download; AllBytes is corrected where a cache was wrong
}

// Meter adds up what several downloads report.
type Meter struct {
	mu     sync.Mutex
	now    Progress
	report func(Progress)
	parts  []Part
}

// Part is one download.
type Part struct {
	m        *Meter
	expected int64 // bytes
	seen     int64 // the most that an attempt got
}

// New is for downloads of infos; report may be nil, and is never called twice at
// once.
func New(infos []narinfo.Info, report func(Progress)) *Meter {
	if report == nil {
		report = func(Progress) {}
	}
	m := &Meter{report: report, parts: make([]Part, len(infos))}
	for k, i := range infos {
		m.parts[k] = Part{m: m, expected: i.Download()}
		m.now.AllBytes += i.Download()
	}
	m.now.AllParts = len(infos)
	report(m.now)
	return m
}

// Part is the download of one of infos.
func (m *Meter) Part(k int) *Part { return &m.parts[k] }

// At says how many bytes this attempt has.
func (p *Part) At(n int64) {
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

// Done says that it is whole.
func (p *Part) Done() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.expect(p.seen)
	p.m.now.Parts++
	p.m.report(p.m.now)
}

func (p *Part) expect(n int64) {
	p.m.now.AllBytes += n - p.expected
	p.expected = n
}

// ExpectFile corrects what is expected by what a server says, as far as that can
// be.
func (p *Part) ExpectFile(length, most int64) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if length > 0 && length <= most {
		p.expect(max(length, p.seen))
		p.m.report(p.m.now)
	}
}
