package build

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A build is slowed by what piwiz takes of the processor meanwhile; nothing
// else of it is in the way. Two clocks beside each other would measure the
// other programs of the machine.
func TestRealBuildIsNotSlowedByBeingWatched(t *testing.T) {
	if !inRig(t) {
		return
	}
	began := ownTime(t)
	var took time.Duration
	for range 3 {
		got, err := Image(t.Context(), fresh(t, ""), func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		took += got.Took
	}
	own := ownTime(t) - began
	t.Logf("%v of the processor in %v", own, took)
	if starting := 3 * 20 * time.Millisecond; own > starting+took/100 { // real builds are not over in a second
		t.Errorf("piwiz took %v of the processor in %v: more than one part in a hundred", own, took)
	}
}

// ownTime is what this process, without its children, has used.
func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
