package follow

import (
	"slices"
	"testing"
	"time"

	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

const (
	drvA  = "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-linux-6.18.2.drv"
	drvB  = "/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-ext4-fs.img.drv"
	pathC = "/nix/store/cccccccccccccccccccccccccccccccc-bash-5.3"
)

// hear feeds a watch what Nix says, as events and as plain text.
func hear(t *testing.T, past forecast.Times, lines ...string) []*Watch {
	t.Helper()
	now := func() time.Time { return time.Unix(1e9, 0) }
	events, plain := newWatch(now, past, nil), newWatch(now, past, nil)
	for _, line := range lines {
		events.Event(nix.Event{Action: nix.Msg, Level: nix.LevelError, Text: line})
		plain.Event(nix.Event{Action: nix.Plain, Text: line})
	}
	return []*Watch{events, plain}
}

func TestThePlanIsReadInEveryWording(t *testing.T) {
	for _, c := range []struct {
		name               string
		lines              []string
		builds             []string
		fetches            int
		download, unpacked int64
		missing            int
	}{
		{"one of each", []string{"this derivation will be built:", "  " + drvA, "this path will be fetched (1.50 KiB download, 2.0 MiB unpacked):", "  " + pathC}, []string{"linux-6.18.2"}, 1, 1530, 2044723, 0},
		{"several, two decimals", []string{"these 2 derivations will be built:", "  " + drvA, "  " + drvB, "these 4 paths will be fetched (28.01 MiB download, 28.01 MiB unpacked):", "  " + pathC}, []string{"linux-6.18.2", "ext4-fs.img"}, 1, 29365370, 29365370, 0},
		{"up to 2.3, without numbers", []string{"these derivations will be built:", "  " + drvA, "these paths will be fetched (0.01 MiB download, 0.05 MiB unpacked):", "  " + pathC}, []string{"linux-6.18.2"}, 1, 5242, 47185, 0},
		{"named twice", []string{"this derivation will be built:", "  " + drvA, "these 2 derivations will be built:", "  " + drvA, "  " + drvB}, []string{"linux-6.18.2", "ext4-fs.img"}, 0, 0, 0, 0},
		{"not to be had", []string{"don't know how to build these paths (may be caused by read-only store access):", "  " + pathC}, nil, 0, 0, 0, 1},
		{"a path outside of a list", []string{"  " + drvA, "this derivation will be built:", "warning: something", "  " + drvA}, nil, 0, 0, 0, 0},
		{"nothing", nil, nil, 0, 0, 0, 0},
	} {
		for _, w := range hear(t, forecast.Times{}, c.lines...) {
			p := w.Announced()
			if !slices.Equal(p.Builds, c.builds) || p.Fetches != c.fetches || p.Download != c.download || p.Unpacked != c.unpacked || len(w.counts.said.missing) != c.missing {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
	}
}

func TestSizesAreRoundedDown(t *testing.T) {
	for text, want := range map[string]int64{
		"0.0 KiB": 0, "0.00 MiB": 0, "512 B": 511, "1.0 GiB": 1020054732, "1023.9 MiB": 1073584537, "3 TiB": 2748779069440,
		"lots": 0, "1 GB!": 0, "-1.0 MiB": 0, "99999999999999.0 MiB": 0,
	} {
		if got := size(text); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestAPlanTakesAsLongAsEarlierBuilds(t *testing.T) {
	lines := []string{"these 2 derivations will be built:", "  " + drvA, "  " + drvB}
	past := forecast.Times{Seconds: map[string][]float64{"linux": {3600, 3700, 9000}, "ext4-fs.img": {300}}}
	if p := hear(t, past, lines...)[0].Announced(); p.Takes != 4000*time.Second {
		t.Errorf("takes %v", p.Takes)
	}
	if p := hear(t, forecast.Times{}, lines...)[0].Announced(); p.Takes != -1 {
		t.Errorf("a first build takes %v", p.Takes)
	}
	if p := hear(t, forecast.Times{})[0].Announced(); p.Takes != 0 {
		t.Errorf("nothing to do takes %v", p.Takes)
	}
}

func TestAnAnnouncementIsNoError(t *testing.T) {
	var bad []string
	w := newWatch(time.Now, forecast.Times{}, func(e Event) {
		if e.Error {
			bad = append(bad, e.Line)
		}
	})
	for _, line := range []string{
		"this derivation will be built:", "  " + drvA, "this path will be fetched (1.50 KiB download, 2.0 MiB unpacked):", "  " + pathC,
		"error: undefined variable 'berlin'",
	} {
		w.Event(nix.Event{Action: nix.Msg, Level: nix.LevelError, Text: line})
	}
	if !slices.Equal(bad, []string{"error: undefined variable 'berlin'"}) {
		t.Errorf("%q", bad)
	}
	if d := diagnose.Of(w.Seen()); d.Name != "undefined-variable" {
		t.Errorf("%+v", d)
	}
}
