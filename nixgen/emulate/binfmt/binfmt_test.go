package binfmt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// elf is how a program for aarch64 begins.
const elf = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00rest"

// What the kernel shows, as it was seen on Debian and NixOS; NixOS's mask
// leaves out byte 14.
const (
	debian = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n" +
		"magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
	nixos = "enabled\ninterpreter /run/binfmt/aarch64-linux\nflags: P\noffset 0\n" +
		"magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00ffffffffffff00fffeffffff\n"
	arm32 = "enabled\ninterpreter /usr/bin/qemu-arm-static\nflags: POF\noffset 0\n" +
		"magic 7f454c4601010100000000000000000002002800\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
	python = "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n"
	dos    = "enabled\ninterpreter /usr/bin/wine\nflags: \nextension .exe\n"
)

func dirOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for n, text := range files {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEntriesAreKnownByTheFilesTheyRunAndNotByName(t *testing.T) {
	others := map[string]string{"status": "enabled\n", "register": "", "python3.11": python, "wine": dos, "qemu-arm": arm32}
	for name, text := range map[string]string{
		"qemu-aarch64": debian, "aarch64-linux": nixos,
		"x y": strings.Replace(debian, "\nmask ffffffffffffff00fffffffffffffffffeffffff", "", 1), // every bit counts
	} {
		dir := dirOf(t, others)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(dir, []byte(elf))
		if err != nil || len(got.Entries) != 1 || got.Used().Name != name || !got.Used().Enabled || !got.Used().Has("P") {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	for _, text := range []string{"", arm32, python, dos, "enabled\nmagic zz\noffset -1\n", strings.Replace(debian, "offset 0", "offset 4000", 1)} {
		got, err := Read(dirOf(t, map[string]string{"status": "disabled\n", "qemu-aarch64": text}), []byte(elf))
		if err != nil || len(got.Entries) != 0 || !got.Mounted || !got.Off || got.Used().Name != "" {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
}

func TestTheNewestThatIsOnIsUsed(t *testing.T) {
	table := Table{Entries: []Entry{{Name: "off"}, {Name: "on", Enabled: true}, {Name: "older", Enabled: true}}}
	if got := table.Used().Name; got != "on" {
		t.Error(got)
	}
	table.Entries = table.Entries[:1]
	if got := table.Used().Name; got != "off" {
		t.Error(got)
	}
}

func TestATableThatIsNotThereIsNoError(t *testing.T) {
	got, err := Read(filepath.Join(t.TempDir(), "nothing"), []byte(elf))
	if err != nil || !got.Absent || got.Mounted {
		t.Errorf("%+v %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{debian, nixos, arm32, python, dos, "offset 9223372036854775807\nmagic 00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e := Parse("x", text); e.Matches([]byte(elf)) && len(e.magic) > len(elf) {
			t.Errorf("%+v matches a shorter file", e)
		}
	})
}
