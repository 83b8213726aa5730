package builder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

const (
	drvA  = "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-linux-6.18.2.drv"
	drvB  = "/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-ext4-fs.img.drv"
	pathC = "/nix/store/cccccccccccccccccccccccccccccccc-bash-5.3"
)

// hear feeds a watch what Nix says, as events and as plain text.
func hear(t *testing.T, past forecast.Times, lines ...string) []*watch {
	t.Helper()
	now := func() time.Time { return time.Unix(1e9, 0) }
	events, plain := newWatch(now, past, nil), newWatch(now, past, nil)
	for _, line := range lines {
		events.event(nix.Event{Action: nix.Msg, Level: nix.LevelError, Text: line})
		plain.event(nix.Event{Action: nix.Plain, Text: line})
	}
	return []*watch{events, plain}
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
			p := w.plan()
			if !slices.Equal(p.Builds, c.builds) || p.Fetches != c.fetches || p.Download != c.download || p.Unpacked != c.unpacked || len(p.Missing) != c.missing {
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
	if p := hear(t, past, lines...)[0].plan(); p.Takes != 4000*time.Second {
		t.Errorf("takes %v", p.Takes)
	}
	if p := hear(t, forecast.Times{}, lines...)[0].plan(); p.Takes != -1 {
		t.Errorf("a first build takes %v", p.Takes)
	}
	if p := hear(t, forecast.Times{})[0].plan(); p.Takes != 0 {
		t.Errorf("nothing to do takes %v", p.Takes)
	}
}

// Names of derivations as nixpkgs 25.11 and 26.05 make them.
func TestWhatTakesHoursIsKnownByItsName(t *testing.T) {
	for name := range strings.FieldsSeq(`linux-6.18.39 linux-6.19-rc3 linux-rpi-6.12.47-stable_20250916 linux_rpi4-6.6.31-stable_20240529 linux-zen-6.17.1
		gcc-14.3.0 llvm-19.1.7 clang-21.1.2 rustc-1.89.0 qemu-10.1.0 qemu-host-cpu-only-10.1.0 glibc-2.40-66 go-1.25.2
		systemd-258.2 python3-3.13.7 nodejs-22.20.0 ghc-9.10.3 webkitgtk-2.50.0 binutils-2.44`) {
		if !big(name) {
			t.Errorf("%s is not known to be big", name)
		}
	}
	for name := range strings.FieldsSeq(`linux-6.18.39-modules linux-6.18.39-modules-shrunk linux-6.18.2.tar.xz linux-headers-6.18 linux-firmware-20260101
		linux-config-6.18.2 linux-pam-1.7.1 gcc-wrapper-14.3.0 gcc-14.3.0.tar.xz clang-wrapper-21.1.2 rustc-wrapper-1.89.0 llvm-src-19.1.7 llvm-19.1.7-source
		python3.13-requests-2.32.5 python3-3.13.7-env qemu-10.1.0.tar.bz2 systemd-258.2-man go-1.25.2.patch ext4-fs.img nixos-system-bach-26.05 etc
		unit-systemd-timesyncd.service initrd-linux-6.18.39 nixos-image-sd-card-26.05-aarch64-linux.img perl-5.42.0-env raspberrypi-firmware-1.20260901`) {
		if big(name) {
			t.Errorf("%s is thought to be big", name)
		}
	}
}

func TestAWarningNamesTheThingAndTheLikelyCause(t *testing.T) {
	for _, c := range []struct {
		p    Plan
		want []string
	}{
		{Plan{Builds: []string{"etc"}, Fetches: 600}, nil},
		{Plan{Big: []string{"linux-rpi-6.12.47"}, Fetches: 600}, []string{"linux-rpi-6.12.47", "boot.kernelPackages"}},
		{Plan{Big: []string{"glibc-2.40-66", "gcc-14.3.0"}, Fetches: 60}, []string{"glibc-2.40-66, gcc-14.3.0", "buildPlatform", "overlay", "--nixpkgs"}},
		{Plan{Big: []string{"gcc-14.3.0"}}, []string{"gcc-14.3.0", "substituters"}},
	} {
		got := c.p.Warning()
		if c.want == nil && len(got) > 0 {
			t.Errorf("warns of nothing: %q", got)
		}
		for _, w := range c.want {
			if !strings.Contains(strings.Join(got, "\n"), w) {
				t.Errorf("%v does not name %s: %q", c.p.Big, w, got)
			}
		}
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
		w.event(nix.Event{Action: nix.Msg, Level: nix.LevelError, Text: line})
	}
	if !slices.Equal(bad, []string{"error: undefined variable 'berlin'"}) {
		t.Errorf("%q", bad)
	}
	var e *Error
	if err := w.explain(Request{Flake: "/nowhere"}, errors.New("exit status 1")); !errors.As(err, &e) || e.Known != "undefined-variable" {
		t.Errorf("%v", err)
	}
}

// TestAPlanIsToldInTwoLines has plans of any size: with their number, each
// package once, and whether anything comes from a cache.
func TestAPlanIsToldInTwoLines(t *testing.T) {
	var lines []string
	w := newWatch(time.Now, forecast.Times{}, func(e Event) { lines = append(lines, e.Line) })
	w.event(nix.Event{Action: nix.Msg, Text: "these 1500 derivations will be built:"})
	for i := range 1500 {
		w.event(nix.Event{Action: nix.Msg, Text: fmt.Sprintf("  /nix/store/%032d-package-%d.drv", i, i%750)})
	}
	told := strings.Join(lines, "")
	p := w.plan()
	got := p.Lines()
	if told != "" || len(got) != 2 || !strings.HasPrefix(got[0], "1500 to build: package-0, ") || !strings.HasSuffix(got[0], " more.") || got[1] != "Nothing comes from a cache." {
		t.Errorf("%q\n%q", told, got)
	}
	for _, line := range append(got, Plan{Builds: []string{strings.Repeat("x", 300)}}.Lines()...) {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if got := (Plan{Builds: []string{"a", "b", "a"}, Fetches: 3, Download: 3 << 20}).Lines(); !slices.Equal(got, []string{"3 to build: a, b.", "3 to download, 3.0 MiB."}) {
		t.Errorf("%q", got)
	}
	if got := (Plan{}).Lines(); !slices.Equal(got, []string{"Nothing is left to do."}) {
		t.Errorf("%q", got)
	}
}
