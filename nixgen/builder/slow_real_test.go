package builder

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/follow"
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
		got, err := Image(t.Context(), fresh(t, ""), func(follow.Event) {})
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

// BenchmarkBuild compares Image with the bare command, in turns, so that both
// meet the same machine. For an idle one:
//
//	PIWIZ_RIG=RIG .ci/rig/with-nix RIG go test -run '^$' -bench Build$ -benchtime 20x ./nixgen/builder
func BenchmarkBuild(b *testing.B) {
	if os.Getenv("PIWIZ_RIG") == "" {
		b.Skip("needs a real Nix: .ci/rig/prepare RIG")
	}
	var took [2]time.Duration // of the bare command, of ours
	run := [2]func() error{
		func() error { return exec.Command("nix", fresh(b, "").order(false).Args()...).Run() },
		func() error { _, err := Image(b.Context(), fresh(b, ""), func(follow.Event) {}); return err },
	}
	for first := 0; b.Loop(); first = 1 - first {
		for _, i := range [2]int{first, 1 - first} {
			began := time.Now()
			if err := run[i](); err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "ours/bare")
}
