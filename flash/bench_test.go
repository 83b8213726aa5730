package flash

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkCard is what .ci/bench-flash measures: one card written and proven
// as the program does it.
func BenchmarkCard(b *testing.B) {
	image, node := os.Getenv("PIWIZ_BENCH_IMAGE"), os.Getenv("PIWIZ_BENCH_CARD")
	if image == "" {
		b.Skip("run .ci/bench-flash")
	}
	for b.Loop() {
		r, err := writeTo(node, image)
		if err != nil {
			b.Fatal(err)
		}
		const mib = 1 << 20
		b.ReportMetric(float64(r.Written)/mib, "MiB-written")
		b.ReportMetric(float64(r.Skipped)/mib, "MiB-skipped")
		b.ReportMetric(r.WriteRate/1e6, "MB/s-writing")
		var self, child unix.Rusage
		if unix.Getrusage(unix.RUSAGE_SELF, &self) == nil && unix.Getrusage(unix.RUSAGE_CHILDREN, &child) == nil {
			b.ReportMetric(float64(self.Maxrss+child.Maxrss)/1024, "MiB-resident")
		}
	}
}
