package forecast

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

// Whatever is in the file, a forecast made of it is one.
func FuzzTimes(f *testing.F) {
	f.Add([]byte(`{"seconds":{"linux":[3,5],"the configuration":[9]},"speed":[1000000]}`), 3, 10, int64(5), int64(100))
	f.Add([]byte(`{"seconds":{"linux":[1e308,1e308]},"speed":[1e-300,1e308]}`), 1<<48, 1<<48, int64(1), int64(1<<48))
	f.Add([]byte(`{"seconds":{"linux":null,"":[0]},"speed":[0,-1]}`), 0, 0, int64(0), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, done, expected int, bytes, all int64) {
		past := parse(text)
		at := time.Unix(1e9, 0)
		c := New(past, at)
		for _, name := range []string{"linux", "other"} {
			c.Expect(name, name, []string{"linux", "other"})
			c.Start(name, name, at)
		}
		const most = 1 << 48 // as package nix believes
		within := func(n int64) int64 { return min(max(n, 0), most) }
		c.Planned(at.Add(time.Second))
		c.Count(int(within(int64(done))), int(within(int64(expected))), within(bytes), within(all), at.Add(time.Second))
		before := 0.0
		for range 5 {
			at = at.Add(time.Minute)
			share, left := c.At(at)
			if math.IsNaN(share) || share < before || share > 0.99 || left < -1 {
				t.Fatalf("share %v, left %v, after %v", share, left, before)
			}
			before = share
		}
		c.Finish("linux", at)
		if _, err := json.Marshal(c.Learn(time.Minute)); err != nil {
			t.Fatal(err)
		}
	})
}
