package follow

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// Whatever Nix says, the numbers are numbers and do not go back.
func FuzzWatch(f *testing.F) {
	for _, name := range []string{"v226-build-ok", "v234-build-fail-exit"} {
		log, err := os.ReadFile("testdata/logs/" + name + ".jsonl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(log[:min(len(log), 8<<10)])
	}
	f.Add([]byte(`these 2 paths will be fetched (999999999999 EiB download, 999999999999 PiB unpacked):
@nix {"action":"start","id":1,"type":104,"text":""}
@nix {"action":"result","id":1,"type":105,"fields":[-9223372036854775808,9223372036854775807,1e300,-1]}
@nix {"action":"start","id":2,"type":101,"text":""}
@nix {"action":"result","id":2,"type":105,"fields":[9223372036854775807,9223372036854775807,0,0]}
@nix {"action":"stop","id":2}
@nix {"action":"start","id":3,"type":102}
@nix {"action":"result","id":3,"type":106,"fields":[101,9223372036854775807]}
@nix {"action":"start","id":2,"type":101,"text":""}
@nix {"action":"result","id":2,"type":105,"fields":[9223372036854775807,9223372036854775807,0,0]}
@nix {"action":"stop","id":2}
`))
	f.Fuzz(func(t *testing.T, log []byte) {
		clock := time.Unix(1e9, 0)
		var before Progress
		w := newWatch(func() time.Time { clock = clock.Add(time.Second); return clock }, forecast.Times{}, func(e Event) {
			p := e.Progress
			wrong := p.Done < before.Done || p.Expected < p.Done || p.Failed < before.Failed || p.ToFetch < p.Fetched || p.Fetched < before.Fetched ||
				p.BytesDone < before.BytesDone || p.BytesExpected < before.BytesExpected || p.BytesExpected > 0 && p.BytesExpected < p.BytesDone ||
				math.IsNaN(p.Share) || p.Share < before.Share || p.Share > 1 || p.Left < -1 || math.IsNaN(p.Rate) || math.IsInf(p.Rate, 0) || p.Rate < 0
			if wrong {
				t.Fatalf("%+v\nafter\n%+v", p, before)
			}
			before = p
		})
		for d := nix.NewDecoder(bytes.NewReader(log)); ; {
			e, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			w.Event(e)
		}
		p := w.Announced()
		if p.Download < 0 || p.Unpacked < 0 || p.Takes < -1 {
			t.Fatalf("%+v", p)
		}
		_ = diagnose.Of(w.Seen())
	})
}
