package builder

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

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

// TestAPlanIsToldInTwoLines has plans of any size: with their number, each
// package once, and whether anything comes from a cache.
func TestAPlanIsToldInTwoLines(t *testing.T) {
	var lines []string
	w := follow.New(forecast.Times{}, func(e follow.Event) { lines = append(lines, e.Line) })
	w.Event(nix.Event{Action: nix.Msg, Text: "these 1500 derivations will be built:"})
	for i := range 1500 {
		w.Event(nix.Event{Action: nix.Msg, Text: fmt.Sprintf("  /nix/store/%032d-package-%d.drv", i, i%750)})
	}
	told := strings.Join(lines, "")
	p := planOf(w.Announced())
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
