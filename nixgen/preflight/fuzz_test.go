package preflight

import (
	"math"
	"strings"
	"testing"
)

func FuzzMeminfo(f *testing.F) {
	f.Add("MemTotal: 5 kB\nMemAvailable:   16000000 kB\n")
	f.Add("MemAvailable: NaN kB\n")
	f.Add("MemAvailable: -5\nMemAvailable: 99999999999999999999999\nMemAvailable:")
	f.Fuzz(func(t *testing.T, text string) {
		n := meminfo(text, "MemAvailable")
		if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || strings.Contains(gb(n), "N") {
			t.Fatalf("%q is %v", text, n)
		}
	})
}
