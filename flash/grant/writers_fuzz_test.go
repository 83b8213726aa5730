package grant

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func FuzzOpening(f *testing.F) {
	f.Add("pos:\t0\nflags:\t0100002\nmnt_id:\t29\nino:\t5\n")
	f.Add("flags:\t37777777777777777777777\nmnt_id:")
	f.Fuzz(func(t *testing.T, text string) {
		mode, mount := parseOpening(text)
		if mode < -1 || mode > unix.O_ACCMODE || !strings.Contains(text, mount) {
			t.Fatalf("%q: %d, %q", text, mode, mount)
		}
	})
}
