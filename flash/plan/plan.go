// Package plan decides which pieces of an image are looked for on a card
// before they are written.
package plan

import (
	"sync"
	"time"
)

// Piece is what is decided about, in bytes.
const Piece = 1 << 20

// Pieces cuts a part of the image, of which the last piece may be shorter.
func Pieces(b []byte) [][]byte {
	var out [][]byte
	for ; len(b) > Piece; b = b[Piece:] {
		out = append(out, b[:Piece])
	}
	if len(b) > 0 {
		out = append(out, b)
	}
	return out
}

// Plan weighs what it costs to look. A piece that is already right on the card costs one read; any other costs a
// write, and a read to verify it. Reading first is the cheaper way when
//
//	1/read < share * (1/write + 1/read)
//
// where share is how many of the pieces like this one were found equal of
// late. A plan knows both rates, and the shares of two classes: pieces that
// are all zero, which a blank card is full of, and all others.
//
// Looks in vain may cost a fiftieth of the time of writing and verifying
// everything, net of what the others saved. So an image of 256 MiB or more
// never takes 3 % longer than that, whatever the card holds.
type Plan struct {
	mu          sync.Mutex
	read, write speed
	classes     [2]class
	done, total int // pieces
	vain, saved int // pieces read for nothing, pieces not written
}

// class is what was learned about one kind of piece.
type class struct {
	share float64 // of the pieces found equal, recent ones count most
	tried int     // pieces compared
	pause int     // chunks between two scouts
	wait  int     // chunks until the next one
}

const (
	inertia = 8    // pieces after which a share has mostly followed a change
	early   = 3    // looks before a class is given up
	seldom  = 32   // chunks between two scouts when all fail
	allowed = 0.02 // of the time of writing and verifying everything
)

// New is a plan for so many bytes. Until the card was measured it passes
// for one that reads twice as fast as it writes; that guess weighs little.
func New(size int64) *Plan {
	return &Plan{total: int((size + Piece - 1) / Piece), read: speed{8e5, 0.01}, write: speed{4e5, 0.01}}
}

// Settle decides about a chunk: zero says which of its pieces are all zero,
// compare compares n pieces with the card. The pieces that come back true must
// be written.
func (p *Plan) Settle(zero []bool, compare func(from, n int) []bool) []bool {
	must, wanted := make([]bool, len(zero)), make([]bool, len(zero))
	for i := range must {
		must[i] = true
	}
	try := func(from, n int) bool {
		for i, equal := range compare(from, n) {
			must[from+i] = !equal
			p.learn(classOf(zero[from+i]), equal)
		}
		return !must[from]
	}
	for k := range p.classes {
		members := membersOf(zero, k)
		if !p.trusts(k) {
			members = p.scout(k, members, try)
		}
		if p.book(k, len(members)) {
			for _, i := range members {
				wanted[i] = true
			}
		}
	}
	for _, r := range Runs(wanted) {
		try(r.From, r.N)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += len(zero)
	return must
}

func classOf(zero bool) int {
	if zero {
		return 1
	}
	return 0
}

func membersOf(zero []bool, class int) []int {
	var out []int
	for i, z := range zero {
		if classOf(z) == class {
			out = append(out, i)
		}
	}
	return out
}

// Run is N pieces in a row.
type Run struct{ From, N int }

// Runs are the pieces that are set.
func Runs(set []bool) []Run {
	var out []Run
	for i, in := range set {
		switch {
		case in && (i == 0 || !set[i-1]):
			out = append(out, Run{i, 1})
		case in:
			out[len(out)-1].N++
		}
	}
	return out
}

// trusts tells whether comparing pays for a class without a scout.
func (p *Plan) trusts(k int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.classes[k].tried > 0 && p.classes[k].share > p.threshold()
}

// scout checks one piece of a class that was not equal of late, and comes
// back with the others when they deserve a look as well. A class that is new
// gets more than one chance: secrets differ from the first piece on where all
// else is equal.
func (p *Plan) scout(k int, members []int, try func(from, n int) bool) []int {
	if len(members) == 0 || !p.due(k) {
		return nil
	}
	for i, at := range members {
		if !p.book(k, 1) {
			return nil
		}
		if try(at, 1) {
			return members[i+1:]
		}
		if !p.young(k) {
			return nil
		}
	}
	return nil
}

func (p *Plan) due(k int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.classes[k]
	c.wait = max(c.wait-1, -1)
	return c.wait < 0
}

func (p *Plan) young(k int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.classes[k].tried < early
}

// book counts n looks as vain before they are made, if what they are likely
// to lose can be afforded; learn gives back those that were not.
func (p *Plan) book(k, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	risk := float64(n) * p.readTime()
	if c := p.classes[k]; c.tried > 0 && c.share > p.threshold() {
		risk *= 1 - c.share
	}
	lost := float64(p.vain)*p.readTime() - float64(p.saved)*p.writeTime()
	if lost+risk > p.budget() {
		return false
	}
	p.vain += n
	return true
}

func (p *Plan) learn(k int, equal bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.classes[k]
	now := 0.0
	if equal {
		now = 1
		p.vain-- // this look stands for the verification
		p.saved++
		c.pause, c.wait = 0, 0
	} else if c.tried >= early && c.share <= p.threshold() {
		c.pause = min(max(1, 2*c.pause), seldom)
		c.wait = c.pause
	}
	if c.tried == 0 {
		c.share = now
	}
	c.share += (now - c.share) / inertia
	c.tried++
}

func (p *Plan) readTime() float64  { return Piece / p.read.rate() }
func (p *Plan) writeTime() float64 { return Piece / p.write.rate() }
func (p *Plan) threshold() float64 { return p.readTime() / (p.readTime() + p.writeTime()) }

// budget is how many seconds may be lost by now. The first looks are paid in
// advance, else there could be none; several chunks are decided about at once,
// and none of them knows yet what the others see.
func (p *Plan) budget() float64 {
	ahead := min(max(p.total, p.done), p.done+128)
	return max(allowed*float64(ahead)*(p.readTime()+p.writeTime()), 3*early*p.readTime())
}

// Took counts a request that was made. One for less than a piece says nothing
// about the rate.
func (p *Plan) Took(write bool, bytes int, d time.Duration) {
	if bytes < Piece {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if write {
		p.write.add(bytes, d)
	} else {
		p.read.add(bytes, d)
	}
}

// speed is a rate in which recent requests count most.
type speed struct{ bytes, seconds float64 }

func (s *speed) rate() float64 { return s.bytes / s.seconds }

func (s *speed) add(bytes int, took time.Duration) {
	const keep = 0.95
	s.bytes = s.bytes*keep + float64(bytes)
	s.seconds = s.seconds*keep + max(took.Seconds(), 1e-6)
}
