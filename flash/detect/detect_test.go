package detect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
)

// shown is the list as people see it.
func shown(all []disk.Device) string {
	var b strings.Builder
	for _, d := range all {
		if why := d.Refusal(); why != "" {
			b.WriteString("hide " + d.Name + ": " + why + "\n")
			continue
		}
		name := strings.Join(strings.Fields(disk.Human(d.Size)+" "+d.Vendor+" "+d.Model), " ")
		b.WriteString("offer " + d.Name + ", " + name + ": " + d.Contents() + "\n")
		for _, w := range d.Warnings() {
			b.WriteString("  " + w + "\n")
		}
	}
	return b.String()
}

func list(t *testing.T, root string) []disk.Device {
	t.Helper()
	all, err := List(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each computer in testdata is built once and asked three things.
func TestEveryMachine(t *testing.T) {
	files, err := filepath.Glob("testdata/machines/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("only %d machines in testdata: %v", len(files), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := build(t, f)
			all := list(t, m.root)
			t.Run("gets the list written in its file", func(t *testing.T) {
				if diff := cmp.Diff(strings.Split(m.want, "\n"), strings.Split(shown(all), "\n")); diff != "" {
					t.Errorf("want -, got +:\n%s", diff)
				}
			})
			t.Run("shows plain text and keeps identities", func(t *testing.T) {
				for _, d := range all {
					plain(t, d)
					same(t, m.root, d)
				}
			})
			t.Run("offers with --emmc what is soldered in and unused, and asks twice", func(t *testing.T) { soldered(t, name, all) })
			t.Run("offers what is named if nothing runs on it, and asks twice", func(t *testing.T) { anyDisk(t, m.any, all) })
			t.Run("offers the same without udev", func(t *testing.T) { withoutUdev(t, m, name, offered(all)) })
		})
	}
}

// soldered asks for the memory that is soldered in, on every machine.
func soldered(t *testing.T, name string, all []disk.Device) {
	more := slices.Clone(all)
	for i := range more {
		more[i].Soldered = true
	}
	want := offered(all)
	if name == "tablet-emmc-unused" {
		want = append([]string{"mmcblk0"}, want...)
	}
	if got := offered(more); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, d := range more {
		if d.Bus == bus.EMMC && d.Refusal() == "" && !strings.Contains(d.Doubt(), "soldered") {
			t.Errorf("%s is not asked for twice", d.Name)
		}
	}
}

// anyDisk names every disk. Those that may then be written besides the others
// stand in the file of the machine, so that each is seen by whoever adds one.
func anyDisk(t *testing.T, want []string, all []disk.Device) {
	var got []string
	for _, d := range all {
		d.Any = true
		plain(t, d)
		if named, ok := d.Named(); !ok && named.Any {
			t.Errorf("%s is a card, and is taken for another disk", d.Name)
		}
		if d.Refusal() == "" && slices.Contains(offered(all), d.Name) {
			continue
		}
		if d.Refusal() == "" {
			got = append(got, d.Name)
			if d.Doubt() == "" {
				t.Errorf("%s is not asked for twice", d.Name)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("named, these are offered too: %v, want %v", got, want)
	}
}

// udev is absent in containers and late on a real computer. It alone knows
// the members of a ZFS pool, which ZFS keeps from being opened, the numbers of
// partitions that a boot loader tells, the labels of file systems, and the
// lists of media players.
func withoutUdev(t *testing.T, m *machine, name string, want []string) {
	switch name {
	case "zfs-root":
		want = []string{"sda", "sdb", "sdc", "sdd"}
	case "zfs-closed", "pc-boot-key-closed", "pc-boot-entry":
		want = []string{"sda", "sdb"}
	case "pi-nixos-sd":
		want = []string{"mmcblk0", "sdb"}
	case "gadgets":
		want = append([]string{"sdf", "sdl"}, want...)
		slices.Sort(want)
	}
	m.remove("run/udev")
	if got := offered(list(t, m.root)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func offered(all []disk.Device) []string {
	var names []string
	for _, d := range all {
		if d.Refusal() == "" {
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return names
}

// What is shown must not reach a terminal as anything but text.
func plain(t *testing.T, d disk.Device) {
	t.Helper()
	for _, s := range append(d.Warnings(), d.Name, d.Vendor, d.Model, d.Serial, d.Contents(), d.Refusal(), d.Identity().String()) {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' || r == '\ufffd' }) {
			t.Errorf("%s: %q is not plain text", d.Name, s)
		}
	}
	if why := d.Refusal(); why != "" && (!strings.HasSuffix(why, ".") || strings.Contains(why, ". ") || len(why) > 120) {
		t.Errorf("%s: %q is not one short sentence", d.Name, why)
	}
}

// What a page and the privileged half are told must fit together.
func same(t *testing.T, root string, d disk.Device) {
	t.Helper()
	again, err := disk.Read(root, d.Name)
	if err != nil {
		t.Fatal(err)
	}
	if d.Size == 0 {
		return // nothing that could be written
	}
	want, err := disk.ParseIdentity(d.Identity().String())
	if err != nil {
		t.Fatal(err)
	}
	if why := want.Differs(again.Identity()); why != "" {
		t.Errorf("%s read twice: %s", d.Name, why)
	}
}

func TestAComputerWithoutSysIsAnErrorAndNotAComputerWithoutDisks(t *testing.T) {
	if _, err := List(t.Context(), t.TempDir()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/sys") {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsOfferedWhenNobodyKnowsWhatTheComputerRunsFrom(t *testing.T) {
	m := build(t, "testdata/machines/laptop-luks-lvm.txt")
	m.remove("proc/self/mountinfo")
	if all, err := List(t.Context(), m.root); err == nil {
		t.Errorf("listed %v", offered(all))
	}
}

func TestACancelledListIsNoList(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := List(ctx, "/"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAHalfWrittenCardSaysSo(t *testing.T) {
	m := build(t, "testdata/machines/bcachefs-two-disks.txt")
	var blank disk.Device
	for _, d := range list(t, m.root) {
		if d.Refusal() == "" && strings.HasPrefix(d.Contents(), "empty") {
			blank = d
		}
	}
	node := filepath.Join(m.root, blank.Path)
	if err := os.MkdirAll(filepath.Dir(node), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "empty, or nothing that this computer recognizes", disk.Mark[:9]: "empty, or nothing that this computer recognizes",
		disk.Mark: "unfinished piwiz card: it does not boot until it is written again",
	} {
		if err := os.WriteFile(node, append(make([]byte, disk.MarkAt), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list(t, m.root), func(d disk.Device) bool { return d.Name == blank.Name })
		if got := list(t, m.root)[i].Contents(); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
