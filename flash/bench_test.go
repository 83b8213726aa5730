package flash

import (
	"context"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/image"
	"piwiz/flash/source"
)

// BenchmarkCard is what .ci/bench-flash measures: one card written and verified
// as the program does it.
func BenchmarkCard(b *testing.B) {
	node, image := benchmarked(b)
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

// BenchmarkUnproven is writing alone, as others do it, with nothing hashed for
// a verification. The program never does that.
func BenchmarkUnproven(b *testing.B) {
	node, path := benchmarked(b)
	c, size, err := openCard(node)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	src, err := source.Open(b.Context(), image.From{Path: path}, size, nil, clock)
	if err != nil {
		b.Fatal(err)
	}
	w, drop, err := prepare(Job{Card: c, CardSize: size}, src)
	if err != nil {
		b.Fatal(err)
	}
	defer drop()
	w.sum = func([]byte) uint64 { return 0 }
	if err := w.arm(context.Background(), 0); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := w.write(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(w.size)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MB/s-writing")
}

func benchmarked(b *testing.B) (node, image string) {
	node, image = os.Getenv("PIWIZ_BENCH_CARD"), os.Getenv("PIWIZ_BENCH_IMAGE")
	if image == "" {
		b.Skip("run .ci/bench-flash")
	}
	return node, image
}
