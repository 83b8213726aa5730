package forecast

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piwiz/nixgen/durable"
)

const (
	// samples is how many durations of one step are kept: enough that one slow
	// day does not move the median.
	samples = 5
	// names is how many steps are remembered. One image has some hundred.
	names = 5000
	// largest is how many bytes of a file are believed to be ours.
	largest = 4 << 20
)

// reading is the time for the configuration. No derivation has a space in its
// name.
const reading = "the configuration"

// Times is what earlier builds on this computer took. The zero value knows
// nothing.
type Times struct {
	Seconds map[string][]float64 `json:"seconds"` // by name of the step, the newest last
	Speed   []float64            `json:"speed"`   // of downloads, bytes per second, the newest last
}

// Load reads what Save wrote. A file that is not there or is damaged is no
// times: they only make an estimate better.
func Load(file string) Times {
	text, err := os.ReadFile(file)
	if err != nil {
		return Times{}
	}
	return parse(text)
}

// What a build can take at most, and how slow and fast a download can be, in
// bytes per second: beyond that a sum or a quotient of them is no number.
const (
	longest          = 30 * 24 * 3600 // seconds
	slowest, fastest = 1, 1e12
)

func parse(text []byte) Times {
	var t Times
	if len(text) > largest || json.Unmarshal(text, &t) != nil {
		return Times{}
	}
	for name, s := range t.Seconds {
		t.Seconds[name] = slices.DeleteFunc(s, func(x float64) bool { return x < 0 || x > longest })
	}
	t.Speed = slices.DeleteFunc(t.Speed, func(x float64) bool { return x < slowest || x > fastest })
	return t
}

// Save writes the times, all or nothing, and makes the folder.
func (t Times) Save(file string) error {
	text, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("note how long the build took: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("note how long the build took: %w", err)
	}
	if err := durable.Replace(file, text, 0o600); err != nil {
		return fmt.Errorf("note how long the build took: %w", err)
	}
	return nil
}

// add notes one more duration. The oldest names are not known, so when there
// are too many those of this build are what is left.
func (t *Times) add(took map[string]time.Duration, speed float64) {
	if t.Seconds = maps.Clone(t.Seconds); t.Seconds == nil {
		t.Seconds = map[string][]float64{}
	}
	for name, d := range took {
		s := append(slices.Clone(t.Seconds[name]), min(d.Seconds(), longest))
		t.Seconds[name] = s[max(0, len(s)-samples):]
	}
	if len(t.Seconds) > names {
		maps.DeleteFunc(t.Seconds, func(name string, _ []float64) bool { _, now := took[name]; return !now })
	}
	if speed >= slowest && speed <= fastest {
		s := append(slices.Clone(t.Speed), speed)
		t.Speed = s[max(0, len(s)-samples):]
	}
}

// of is the median duration of a step, and whether it was ever done.
func (t Times) of(name string) (time.Duration, bool) {
	s, ok := median(t.Seconds[name])
	return time.Duration(s * float64(time.Second)), ok
}

func median(s []float64) (float64, bool) {
	if len(s) == 0 {
		return 0, false
	}
	s = slices.Sorted(slices.Values(s))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2, true
}

// key is a name without its versions, so that a new kernel is expected to take
// as long as the one before: "linux-6.18.2-modules" is "linux-modules".
func key(name string) string {
	parts := strings.Split(name, "-")
	kept := slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p != "" && p[0] >= '0' && p[0] <= '9' })
	if len(kept) == 0 {
		return name
	}
	return strings.Join(kept, "-")
}
