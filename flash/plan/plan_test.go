package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// world is a card as a plan sees it: what is zero in the image, what is equal
// on the card, and how long requests take.
type world struct {
	zero, equal []bool
	read, write float64 // bytes a second
	access      float64 // seconds that any request takes
}

// chunk is how many pieces are decided about at once.
const chunk = 2

// play runs a plan and gives its time, that of writing and verifying all,
// that of one who knows beforehand what differs but proves it by reading, and
// how many pieces were written.
func (w world) play() (took, all, oracle float64, written int) {
	p := New(int64(len(w.zero)) * Piece)
	request := func(write bool, n int) {
		rate := w.read
		if write {
			rate = w.write
		}
		s := w.access + float64(n)*Piece/rate
		p.Took(write, n*Piece, time.Duration(s*1e9))
		took += s
	}
	verify := 0
	for at := 0; at < len(w.zero); at += chunk {
		end := min(at+chunk, len(w.zero))
		must := p.Settle(w.zero[at:end], func(from, n int) []bool {
			request(false, n)
			return w.equal[at+from : at+from+n]
		})
		for _, r := range Runs(must) {
			request(true, r.N)
			verify += r.N
		}
	}
	written = verify
	took += float64(verify)*Piece/w.read + float64(verify)/chunk*w.access
	chunks := float64(len(w.zero)) / chunk * w.access
	readAll := chunks + float64(len(w.zero))*Piece/w.read
	all = chunks + float64(len(w.zero))*Piece/w.write + readAll
	oracle = readAll
	for _, e := range w.equal {
		if !e {
			oracle += Piece/w.write + Piece/w.read + 2*w.access
		}
	}
	return took, all, oracle, written
}

var rates = [][2]float64{{80e6, 40e6}, {80e6, 20e6}, {20e6, 20e6}, {90e6, 10e6}, {20e6, 60e6}, {400e6, 300e6}}

// holes are the pieces of an image that are all zero: 22 %, in short runs.
func holes(n int, r *rand.Rand) []bool {
	zero := make([]bool, n)
	for i := 0; i < n; {
		data := 1 + r.IntN(14)
		i += data
		for range 1 + r.IntN(data/3+1) {
			if i < n {
				zero[i] = true
			}
			i++
		}
	}
	return zero
}

func TestAPlanIsNeverMuchWorseThanTheBetterWay(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{256, 1024, 4096} {
		zero := holes(n, r)
		fill := func(f func(i int) bool) []bool {
			b := make([]bool, n)
			for i := range b {
				b[i] = f(i)
			}
			return b
		}
		cards := map[string]struct {
			equal []bool
			bound func(took, all, oracle float64, written int) string
		}{
			"junk":  {fill(func(int) bool { return false }), notAbove(1.03)},
			"blank": {zero, notAbove(1.03)},
			"same": {fill(func(int) bool { return true }), func(took, all, oracle float64, written int) string {
				if took > 1.03*oracle || written > 0 {
					return fmt.Sprintf("%d written", written)
				}
				return ""
			}},
			"one piece in 100 changed": {fill(func(i int) bool { return i%100 != 57 }), func(took, all, oracle float64, written int) string {
				if took > 1.05*oracle {
					return "slower than the oracle"
				}
				return ""
			}},
			"the second half is junk": {fill(func(i int) bool { return i < n/2 }), notAbove(1.03)},
			"the first half is junk":  {fill(func(i int) bool { return i > n/2 }), notAbove(1.03)},
			"every second piece":      {fill(func(i int) bool { return i%2 == 0 }), notAbove(1.03)},
			"one in four at random":   {fill(func(i int) bool { return r.IntN(4) == 0 }), notAbove(1.03)},
			"runs that come and go":   {fill(func(i int) bool { return i/10%2 == 0 }), notAbove(1.03)},
			"traps for every scout":   {fill(func(i int) bool { return i/4%9 == 0 && i%4 == 0 }), notAbove(1.03)},
		}
		for name, c := range cards {
			for _, rate := range rates {
				for _, access := range []float64{0, 0.001} {
					took, all, oracle, written := world{zero, c.equal, rate[0], rate[1], access}.play()
					if why := c.bound(took, all, oracle, written); why != "" {
						t.Errorf("%s, %d MiB, reads %.0f and writes %.0f MB/s, %.0f ms: %s: %.2f s, %.3f of all, %.3f of the oracle",
							name, n, rate[0]/1e6, rate[1]/1e6, access*1e3, why, took, took/all, took/oracle)
					}
				}
			}
		}
	}
}

func notAbove(limit float64) func(took, all, oracle float64, written int) string {
	return func(took, all, _ float64, _ int) string {
		if took > limit*all {
			return "slower than writing all"
		}
		return ""
	}
}

func TestABlankCardSavesTheZeros(t *testing.T) {
	for _, rate := range rates[:3] {
		zero := holes(1024, rand.New(rand.NewPCG(1, 2)))
		share := 0.0
		for _, z := range zero {
			if z {
				share += 1.0 / 1024
			}
		}
		took, all, _, _ := world{zero, zero, rate[0], rate[1], 0}.play()
		best := 1 - share*(1/rate[1])/(1/rate[0]+1/rate[1])
		if took > all*(best+0.02) {
			t.Errorf("%.3f of writing all at %v, %.3f is possible", took/all, rate, best)
		}
	}
}
