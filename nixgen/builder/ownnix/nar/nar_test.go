package nar

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

// words are a NAR of these strings, each with its length and padding.
func words(texts ...string) []byte {
	var b []byte
	for _, t := range texts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(t)))
		b = append(append(b, t...), make([]byte, -len(t)&7)...)
	}
	return b
}

// inFolder is a NAR of a folder with these entries, each of four words more:
// type, and what that has.
func inFolder(entries ...string) []byte {
	return words(append(append([]string{magic, "(", "type", "directory"}, entries...), ")")...)
}

func entry(name string, node ...string) []string {
	return append(append([]string{"entry", "(", "name", name, "node", "(", "type"}, node...), ")", ")")
}

func file(name string) []string { return entry(name, "regular", "contents", "x") }

func link(name, to string) []string { return entry(name, "symlink", "target", to) }

func join(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Whatever a NAR says, nothing is written outside of its path.
func TestAHostileNarIsRefusedAndStaysInside(t *testing.T) {
	whole := inFolder(join(file("a"), file("b"))...)
	deep := []string{}
	for range maxDepth + 1 {
		deep = append(deep, "entry", "(", "name", "d", "node", "(", "type", "directory")
	}
	for range maxDepth + 1 {
		deep = append(deep, ")", ")")
	}
	padded := words(magic, "(", "type", "regular", "contents", "x", ")")
	padded[bytes.Index(padded, []byte("x\x00"))+1] = 1
	for what, nar := range map[string][]byte{
		"nothing":                       nil,
		"no NAR":                        words("nix-archive-2"),
		"a name with a slash":           inFolder(file("a/b")...),
		"an absolute name":              inFolder(file("/tmp/evil")...),
		"the folder itself":             inFolder(file(".")...),
		"the folder above":              inFolder(file("..")...),
		"an empty name":                 inFolder(file("")...),
		"a name with NUL":               inFolder(file("a\x00b")...),
		"a name twice":                  inFolder(join(file("a"), file("a"))...),
		"names that are not sorted":     inFolder(join(file("b"), file("a"))...),
		"a file through a link":         inFolder(join(link("a", "/tmp"), file("a"))...),
		"a file below a link":           inFolder(join(link("a", ".."), file("a/evil"))...),
		"a folder over a link":          inFolder(join(link("a", ".."), entry("a", "directory"))...),
		"a name that is too long":       inFolder(file(strings.Repeat("a", maxName+1))...),
		"a link to nowhere":             inFolder(link("a", "")...),
		"a link with NUL":               inFolder(link("a", "b\x00c")...),
		"a link that is too long":       inFolder(link("a", strings.Repeat("a", maxTarget+1))...),
		"a device":                      inFolder(entry("a", "device", "contents", "x")...),
		"two contents":                  inFolder(entry("a", "regular", "contents", "x", "contents", "y")...),
		"no contents":                   inFolder(entry("a", "regular")...),
		"an executable with a word":     inFolder(entry("a", "regular", "executable", "yes", "contents", "x")...),
		"executable twice":              inFolder(entry("a", "regular", "executable", "", "executable", "", "contents", "x")...),
		"contents before executable":    inFolder(entry("a", "regular", "contents", "x", "executable", "")...),
		"more than the NAR":             append(bytes.Clone(whole), 0),
		"two NARs":                      append(bytes.Clone(whole), whole...),
		"padding":                       padded,
		"too deep":                      inFolder(deep...),
		"a word of 2^63 bytes":          append(words(magic, "("), 0, 0, 0, 0, 0, 0, 0, 0x80),
		"contents of 2^63 bytes":        append(words(magic, "(", "type", "regular", "contents"), 0, 0, 0, 0, 0, 0, 0, 0x80),
		"contents of 2^62 bytes":        append(words(magic, "(", "type", "regular", "contents"), 0, 0, 0, 0, 0, 0, 0, 0x40),
		"an entry that is no entry":     inFolder("thing", "(", "name"),
		"an entry that does not end":    inFolder("entry", "(", "name", "a", "node", "(", "type", "regular", "contents", "x", ")", "entry"),
		"upper case in a word":          words(magic, "(", "type", "Regular", "contents", "x", ")"),
		"a root that is only a bracket": words(magic, "("),
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "store", "path")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := Unpack(bytes.NewReader(nar), path); err == nil {
				t.Error("it was taken")
			} else if _, ours := errors.AsType[*WriteError](err); ours {
				t.Errorf("it was refused by the system, not by us: %v", err)
			}
			if err := Remove(path); err != nil {
				t.Error(err)
			}
			for _, left := range []string{dir, filepath.Dir(path)} {
				if got, _ := os.ReadDir(left); len(got) > 1 || left != dir && len(got) > 0 {
					t.Errorf("in %s are %v", left, got)
				}
			}
		})
	}
}

// A NAR has one spelling: cut anywhere it is refused, and so is each other byte.
func TestANarHasOneSpelling(t *testing.T) {
	nar := inFolder(join(file("a"), entry("b", "regular", "executable", "", "contents", "abc"), link("c", "a"), entry("d", "directory"))...)
	dir := t.TempDir()
	for n := range nar {
		path := filepath.Join(dir, "cut")
		if n%5 == 0 { // words are of eight bytes
			if err := Unpack(bytes.NewReader(nar[:n]), path); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
		changed := bytes.Clone(nar)
		changed[n] ^= 0x41
		if err := Unpack(bytes.NewReader(changed), filepath.Join(dir, "changed")); err == nil { // a name, a target or contents
			var again bytes.Buffer
			if err := Dump(&again, filepath.Join(dir, "changed")); err != nil || !bytes.Equal(again.Bytes(), changed) {
				t.Errorf("another byte at %d: %v", n, err)
			}
		}
		if err := errors.Join(Remove(path), Remove(filepath.Join(dir, "changed"))); err != nil {
			t.Fatal(err)
		}
	}
}

// odd makes a tree with what a store path may have, and says where it is.
func odd(t *testing.T) string {
	t.Helper()
	top := filepath.Join(t.TempDir(), "odd")
	long := strings.Repeat("n", maxName)
	for _, dir := range []string{"", "empty", "sub", "sub/" + long, "a", "A"} {
		if err := os.Mkdir(filepath.Join(top, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"none": "", "one": "1", "seven": "1234567", "eight": "12345678", "nine": "123456789",
		"sub/large": strings.Repeat("0123456789", 50000), "sub/" + long + "/x": "x", "A/b": "b", "a.b": "", "a-b": "", "a b": "", "ä\xff\n": "no UTF-8",
	} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "one", "dangling": "/no/where", "sub/up": "../..", "long": strings.Repeat("l", maxTarget)} {
		if err := os.Symlink(to, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(top, "program"), []byte("#!/bin/sh\n"), 0o711); err != nil {
		t.Fatal(err)
	}
	return top
}

func TestWhatIsDumpedUnpacksToTheSame(t *testing.T) {
	top := odd(t)
	var first, second bytes.Buffer
	if err := Dump(&first, top); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "to")
	t.Cleanup(func() { _ = Remove(to) })
	if err := Unpack(iotest.HalfReader(bytes.NewReader(first.Bytes())), to); err != nil {
		t.Fatal(err)
	}
	if err := Dump(&second, to); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("it is different (%v)", err)
	}
	canonical(t, to)
}

// canonical makes sure that modes and times are those of a store.
func canonical(t *testing.T, top string) {
	t.Helper()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		if d.Type()&fs.ModeSymlink == 0 && mode != 0o444 && mode != 0o555 || d.IsDir() && mode != 0o555 || info.ModTime().Unix() != 1 {
			t.Errorf("%s: %s %s", path, info.Mode(), info.ModTime())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The disk, not the NAR, is at fault.
func TestAFailureOfThisComputerIsToldApart(t *testing.T) {
	var nar bytes.Buffer
	if err := Dump(&nar, odd(t)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{"taken": syscall.EEXIST, "none/here": syscall.ENOENT, strings.Repeat("l", 300): syscall.ENAMETOOLONG} {
		err := Unpack(bytes.NewReader(nar.Bytes()), filepath.Join(dir, path))
		if _, ours := errors.AsType[*WriteError](err); !ours || !errors.Is(err, want) {
			t.Errorf("%.10s: %v", path, err)
		}
	}
	fails := errors.New("the network is down")
	if err := Unpack(io.MultiReader(bytes.NewReader(nar.Bytes()[:nar.Len()/2]), iotest.ErrReader(fails)), filepath.Join(dir, "half")); !errors.Is(err, fails) {
		t.Errorf("%v", err)
	}
	if err := Remove(filepath.Join(dir, "half")); err != nil {
		t.Error(err)
	}
}

func TestBase32IsThatOfNix(t *testing.T) {
	for _, c := range []struct{ hexadecimal, base32 string }{ // by nix hash convert
		{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"},
		{strings.Repeat("00", 20), strings.Repeat("0", 32)},
		{strings.Repeat("ff", 20), strings.Repeat("z", 32)},
		{strings.Repeat("ff", 32), "1" + strings.Repeat("z", 51)},
		{"", ""},
	} {
		b, err := hex.DecodeString(c.hexadecimal)
		if err != nil {
			t.Fatal(err)
		}
		if got := Encode32(b); got != c.base32 {
			t.Errorf("%s is %s, not %s", c.hexadecimal, got, c.base32)
		}
		if got, err := Decode32(c.base32, len(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s is %x (%v)", c.base32, got, err)
		}
	}
	for _, wrong := range []string{
		"", "0", strings.Repeat("z", 52), "2" + strings.Repeat("0", 51), strings.Repeat("e", 52), strings.Repeat("0", 51), strings.Repeat("0", 53),
		"0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c7e", "0MDQA9W1P6CMLI6976V4WI0SW9R4P5PRKJ7LZFD1877WK11C9C73", strings.Repeat("0", 51) + "\x00",
	} {
		if got, err := Decode32(wrong, 32); err == nil {
			t.Errorf("%q is %x", wrong, got)
		}
	}
}

func FuzzNix32(f *testing.F) {
	f.Add([]byte{1, 2, 3}, "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73")
	f.Add(make([]byte, 20), "1zzz")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		if got, err := Decode32(Encode32(b), len(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%x became %x (%v)", b, got, err)
		}
		for _, n := range []int{20, 32, len(b)} {
			if got, err := Decode32(text, n); err == nil && Encode32(got) != text {
				t.Errorf("%q and %q are the same bytes", text, Encode32(got))
			}
		}
	})
}

// FuzzUnpack: what is taken has one spelling, and nothing is beside it.
func FuzzUnpack(f *testing.F) {
	f.Add(inFolder(join(file("a"), link("c", "a"), entry("d", "directory"))...))
	f.Add(inFolder(join(link("a", "/"), entry("b", append([]string{"directory"}, file("c")...)...))...))
	f.Add(words(magic, "(", "type", "regular", "executable", "", "contents", "abc", ")"))
	f.Add(words(magic, "(", "type", "symlink", "target", "..", ")"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, nar []byte) {
		path := filepath.Join(dir, "path")
		err := Unpack(bytes.NewReader(nar), path)
		if err == nil {
			var again bytes.Buffer
			if err := Dump(&again, path); err != nil || !bytes.Equal(again.Bytes(), nar) {
				t.Errorf("it is dumped as %q (%v)", again.Bytes(), err)
			}
			canonical(t, path)
		}
		if err := Remove(path); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Fatalf("beside it are %v", left)
		}
	})
}

// withNix is a program of Nix, for tests that it judges.
func withNix(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a real Nix: .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	return filepath.Join(os.Getenv("PIWIZ_RIG"), "nix/bin", name)
}

func TestRealNixDumpsAndHashesTheSame(t *testing.T) {
	dump, nix := withNix(t, "nix-store"), withNix(t, "nix")
	top := odd(t)
	var ours bytes.Buffer
	if err := Dump(&ours, top); err != nil {
		t.Fatal(err)
	}
	theirs, err := exec.Command(dump, "--dump", top).Output()
	if err != nil || !bytes.Equal(theirs, ours.Bytes()) {
		t.Fatalf("Nix dumps it in another way (%v)", err)
	}
	// What Nix dumped is unpacked as Nix restores it.
	mine, restored := filepath.Join(t.TempDir(), "mine"), filepath.Join(t.TempDir(), "theirs")
	t.Cleanup(func() { _ = Remove(mine) })
	if err := Unpack(bytes.NewReader(theirs), mine); err != nil {
		t.Fatal(err)
	}
	restore := exec.Command(dump, "--restore", restored)
	restore.Stdin = bytes.NewReader(ours.Bytes())
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var hashes []string
	for _, path := range []string{mine, restored} {
		out, err := exec.Command(nix, "--extra-experimental-features", "nix-command", "hash", "path", "--type", "sha256", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, string(out))
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes %q", hashes)
	}
	// And base 32.
	sri := strings.TrimPrefix(strings.TrimSpace(hashes[0]), "sha256-")
	raw, err := base64.StdEncoding.DecodeString(sri)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(nix, "--extra-experimental-features", "nix-command", "hash", "path", "--type", "sha256", "--base32", mine).Output()
	if err != nil || strings.TrimSpace(string(out)) != Encode32(raw) {
		t.Errorf("%s is not %s (%v)", out, Encode32(raw), err)
	}
}
