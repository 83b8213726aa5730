package disk

import (
	"fmt"
	"testing"
)

func FuzzDeviceNumbers(f *testing.F) {
	for _, s := range []string{"8:1", "259:1048575", "4294967296:0", "-1:1", ":", "8:1:2", " 8:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		major, minor, err := parseNumbers(s)
		if err != nil {
			return
		}
		again := fmt.Sprintf("%d:%d", major, minor)
		if a, b, err := parseNumbers(again); err != nil || a != major || b != minor {
			t.Fatalf("%q became %s", s, again)
		}
	})
}
