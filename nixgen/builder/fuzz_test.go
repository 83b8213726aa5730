package builder

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
)

// Whatever Nix says, there is something to tell.
func FuzzExplain(f *testing.F) {
	for _, name := range []string{"v226-daemon-fail30", "v234-build-fail-exit", "v234-eval-throw"} {
		log, err := os.ReadFile("../follow/testdata/logs/" + name + ".jsonl")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(log[:min(len(log), 8<<10)])
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		w := follow.New(forecast.Times{}, nil)
		hear(t, w, bytes.NewReader(log))
		if err := (Request{Flake: "/none"}).explain(w, errors.New("exit status 1")); err.Error() == "" {
			t.Errorf("%+v", err)
		}
		p := planOf(w.Announced())
		_, _ = p.Warning(), p.Lines() // no announcement makes them panic
	})
}
