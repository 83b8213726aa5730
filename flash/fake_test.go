package flash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// fake is a counterfeit card in memory. It has real bytes and claims more; what
// is behind them is somewhere in front again, or nowhere. It remembers the last
// writes, and what it has really kept shows after the power was off.
type fake struct {
	real, claims int64
	base         int64 // what is behind the end is from here on again
	nowhere      bool  // or it is lost, and reads as filler
	until        int64 // but what is from here on has a place of its own; 0 is nothing
	once         bool  // what is further behind is lost
	filler       byte

	limit  int  // bytes that are remembered
	behind bool // only of what is written behind the end
	late   bool // what is remembered reaches its place only when it is forgotten

	mu     sync.Mutex
	kept   []byte
	memory map[int64][]byte // by block
	order  []int64          // blocks as they were written
	age    map[int64]int    // how often a block is in order
	asked  int64            // bytes read
	wrote  int64
	after  int64 // so many bytes written, something happens
	then   func()
	slow   time.Duration // to write more than a block: then it pays to look first
}

func newFake(claims, real int64) *fake {
	return &fake{claims: claims, real: real, kept: make([]byte, real), memory: map[int64][]byte{}, age: map[int64]int{}}
}

func (f *fake) String() string {
	what := fmt.Sprintf("%d KiB claim %d KiB", f.real>>10, f.claims>>10)
	if f.nowhere {
		what += fmt.Sprintf(", the rest reads as %#x", f.filler)
	} else {
		what += fmt.Sprintf(", the rest is at %d KiB again", f.base>>10)
	}
	return what + fmt.Sprintf(", remembers %d KiB (only behind its end: %v, kept late: %v)", f.limit>>10, f.behind, f.late)
}

// place is where a block is kept; -1 is nowhere.
func (f *fake) place(off int64) int64 {
	switch {
	case off < f.real, f.until > 0 && off >= f.until:
		return off
	case f.nowhere, f.once && off-f.real >= f.real-f.base:
		return -1
	}
	return f.base + (off-f.real)%(f.real-f.base)
}

func (f *fake) keep(off int64, b []byte) {
	if at := f.place(off); at >= 0 {
		copy(f.kept[at:], b)
	}
}

func (f *fake) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off+int64(len(p)) > f.claims {
		return 0, io.EOF
	}
	f.asked += int64(len(p))
	for i := int64(0); i < int64(len(p)); i += block {
		f.read(p[i:i+block], off+i)
	}
	return len(p), nil
}

func (f *fake) read(p []byte, off int64) {
	if len(f.memory) > 0 {
		if b, ok := f.memory[off]; ok {
			copy(p, b)
			return
		}
	}
	if at := f.place(off); at >= 0 {
		copy(p, f.kept[at:])
		return
	}
	for i := range p {
		p[i] = f.filler
	}
}

func (f *fake) WriteAt(p []byte, off int64) (int, error) {
	if len(p) > block {
		time.Sleep(f.slow)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if off+int64(len(p)) > f.claims {
		return 0, unix.ENOSPC
	}
	if f.wrote += int64(len(p)); f.then != nil && f.wrote >= f.after {
		f.then()
	}
	for i := int64(0); i < int64(len(p)); i += block {
		f.write(p[i:i+block], off+i)
	}
	return len(p), nil
}

func (f *fake) write(p []byte, off int64) {
	remembers := f.limit > 0 && (!f.behind || off >= f.real)
	if !remembers || !f.late {
		f.keep(off, p)
	}
	if !remembers {
		return
	}
	b, ok := f.memory[off]
	if !ok {
		b = make([]byte, block)
		f.memory[off] = b
	}
	copy(b, p)
	f.order = append(f.order, off)
	f.age[off]++
	for len(f.memory)*block > f.limit {
		f.forget()
	}
}

// forget gives up what was written first.
func (f *fake) forget() {
	off := f.order[0]
	f.order = f.order[1:]
	if f.age[off]--; f.age[off] > 0 {
		return // it was written again since
	}
	if f.late {
		f.keep(off, f.memory[off])
	}
	delete(f.memory, off)
	delete(f.age, off)
}

func (f *fake) Sync() error { return nil } // it says

// powerOff keeps what has a place, in the order in which it was written.
func (f *fake) powerOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.order) > 0 {
		f.forget()
	}
	f.wrote = 0
}

// wrong is the first byte that is not as wanted, -1 if there is none.
func (f *fake) wrong(want []byte) int64 {
	b := make([]byte, block)
	for off := int64(0); off < int64(len(want)); off += block {
		if f.read(b, off); !bytes.Equal(b, want[off:off+block]) {
			return off
		}
	}
	return -1
}

// hold makes the card hold b from its first byte on, as if it had been written
// once, from the start to the end or the other way round.
func (f *fake) hold(b []byte, backward bool) {
	for i := int64(0); i < int64(len(b)); i += block {
		off := i
		if backward {
			off = int64(len(b)) - block - i
		}
		f.keep(off, b[off:off+block])
	}
}

// noise fills b with what does not come twice.
func noise(r *rand.Rand, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, r.Uint64())
	}
}
