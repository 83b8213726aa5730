package follow

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// chatter is a build whose one step writes n lines.
func chatter(n int) string {
	var b strings.Builder
	b.WriteString(`@nix {"action":"start","id":1,"level":0,"parent":0,"text":"","type":102}` + "\n")
	b.WriteString(`@nix {"action":"start","fields":["` + drvA + `","",1,1],"id":2,"level":3,"parent":0,"text":"building","type":105}` + "\n")
	for i := range n {
		fmt.Fprintf(&b, `@nix {"action":"result","fields":["  CC [M]  drivers/gpu/drm/amd/amdgpu/../display/dc/part-%d.o"],"id":2,"type":101}`+"\n", i)
	}
	return b.String()
}

func follow(tb testing.TB, text string, report func(Event)) *Watch {
	tb.Helper()
	w := newWatch(time.Now, forecast.Times{}, report)
	for d := nix.NewDecoder(strings.NewReader(text)); ; {
		e, err := d.Next()
		if err == io.EOF {
			return w
		}
		if err != nil {
			tb.Fatal(err)
		}
		w.Event(e)
	}
}

// A kernel writes some 100 000 lines. 0.3 s of the processor are allowed for
// parser, watch and pane together.
func BenchmarkHundredThousandLines(b *testing.B) {
	text := chatter(100_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		lines := 0
		follow(b, text, func(e Event) {
			if e.Line != "" {
				lines++
			}
		})
		if lines < 100_000 {
			b.Fatalf("%d lines", lines)
		}
	}
}

func TestALongLogNeedsNoMoreMemoryThanAShortOne(t *testing.T) {
	var before, after runtime.MemStats
	text := chatter(100_000)
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := follow(t, text, func(Event) {})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
		t.Errorf("%d bytes are kept of a log of %d", kept, len(text))
	}
	if n := len(w.seen.Logs[drvA]); n != tail {
		t.Errorf("%d lines are kept", n)
	}
	runtime.KeepAlive(text)
}
