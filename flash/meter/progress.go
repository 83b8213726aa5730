package meter

import (
	"fmt"
	"time"
)

// Stage is a part of the work.
type Stage int

// The stages in order.
const (
	Writing Stage = iota
	Verifying
	Finishing
)

func (s Stage) String() string {
	return [...]string{"writing", "verifying", "finishing"}[s]
}

// Counts are bytes of the image: read from the card to compare, written to
// it, skipped because reading proved them right, read back after writing, and
// written once more because they did not come back right.
type Counts struct {
	Read      int64 `json:"read"`
	Written   int64 `json:"written"`
	Skipped   int64 `json:"skipped"`
	Verified  int64 `json:"verified"`
	Rewritten int64 `json:"rewritten"`
}

// Progress counts in Done the bytes of this stage that are settled: taken by
// the card or verified to be there. Rate is in bytes a second, Left is -1 while
// it is not known, Stalled is how long a request has not been answered, from
// ten seconds on.
type Progress struct {
	Stage       Stage
	Done, Total int64
	Rate        float64
	Left        time.Duration
	Stalled     time.Duration
	Counts
}

// Result is a card that was written and read back. Tested, its size, Wrote and
// Checked are parts of Took, which has a moment in addition to finish the card;
// rates are bytes a second of the latter two; Waited is how long a lane of the
// engine was busy reading and unpacking the image, or waited for another one
// that was.
type Result struct {
	Bytes                  int64
	Took, Tested           time.Duration
	Wrote, Checked, Waited time.Duration
	WriteRate, VerifyRate  float64
	Counts
}

// Rate is in bytes a second.
func Rate(bytes int64, d time.Duration) float64 {
	return float64(bytes) / max(d.Seconds(), 1e-9)
}

const (
	stallAfter  = 10 * time.Second
	adviseAfter = 60 * time.Second
)

// Stall says in words that the card does not answer, and after a minute what
// to try; "" while it does.
func (p Progress) Stall() string {
	if p.Stalled < stallAfter {
		return ""
	}
	text := fmt.Sprintf("The card has not answered for %d s.", int(p.Stalled.Seconds()))
	if p.Stalled < adviseAfter {
		return text + " Cheap cards pause now and then; it may go on by itself."
	}
	return text + " Press ctrl+c, take the card out and put it in again; then try another USB port, another reader or another card."
}
