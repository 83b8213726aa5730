package grant

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

func file(t *testing.T, text string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestOnlyTheWordsOfACardAreTaken(t *testing.T) {
	for _, d := range []disk.Device{{Path: "/dev/sda", Size: 1}, {Path: "/dev/sda", Size: 1, Any: true}, {Path: "/dev/sda", Size: 1, Soldered: true}} {
		if words := Words(d); !Takes(words) {
			t.Errorf("not taken: %q", words)
		}
	}
	for _, words := range [][]string{nil, {"/dev/sda"}, {"/dev/sda", "{}", "more"}, {"/dev/sda", "{}", "any-disk", "soldered"}, {"/dev/sda", "{}", "ANY-DISK"}, {"/dev/sda", "{}", ""}, {"/dev/sda", "{}", "soldered", "more"}} {
		if Takes(words) {
			t.Errorf("taken: %q", words)
		}
	}
}

// What root hands over is checked by the kernel's word for it.
func TestWhatRootHandsOverMustBeTheCard(t *testing.T) {
	wrong := file(t, "x")
	f, err := OpenAsRoot(disk.Device{Path: "/dev/sda", Size: 1}, func() (*os.File, error) { return wrong, nil })
	var no *Refused
	if f != nil || !errors.As(err, &no) || no.Why != "It is not a disk." {
		t.Errorf("%v, %v", f, err)
	}
	if _, err := wrong.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Error("it is still open")
	}
}

func TestOnlyWholeDisksBelowDevAreOpened(t *testing.T) {
	some := disk.Identity{Size: 1}.String()
	for _, path := range []string{"", "/", "/dev", "/dev/", "/dev/.", "/dev/..", "/dev/../etc/passwd", "/dev/../dev/null", "/dev//null", "//dev/null", "null", "/dev/disk/by-id/x", "/etc/passwd", "/dev/null", "/dev/null\x00", "/dev/no\x1b[2Jdisk"} {
		f, err := openFor(path, some, "")
		if f != nil || err == nil || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%q: %v, %v", path, f, err)
		}
	}
	for _, expect := range []string{"", "{}", "null", `{"size":-1}`, `{"size":1} {}`, "[1]", `{"size":"1"}`} {
		if f, err := openFor("/dev/sda", expect, soldered); f != nil || err == nil {
			t.Errorf("%q: %v, %v", expect, f, err)
		}
	}
}

func TestWhatWasOpenedMustBeADisk(t *testing.T) {
	if why := opened(int(file(t, "x").Fd()), disk.Identity{Size: 1}); why != "It is not a disk." {
		t.Errorf("%q", why)
	}
}

func TestErrorsOfOpeningSayWhatToDo(t *testing.T) {
	for errno, word := range map[error]string{
		unix.ENODEV: "taken out", unix.ENXIO: "taken out", unix.ENOENT: "taken out", unix.ENOMEDIUM: "no card in this slot",
		unix.EROFS: "locked", unix.ELOOP: "not a disk", unix.EIO: "does not answer",
	} {
		err := openProblem("/dev/sda", errno)
		var no *Refused
		if !errors.As(err, &no) || !strings.Contains(err.Error(), word) || no.Hints()[0] == "" {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := openProblem("/dev/sda", unix.EACCES); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v is no reason to ask for rights", err)
	}
	if err := openProblem("/dev/sda", unix.EBUSY); !errors.Is(err, unix.EBUSY) {
		t.Errorf("%v is not busy", err)
	}
}

func TestThoseWhoHoldACardAreNamed(t *testing.T) {
	proc := t.TempDir()
	process := func(pid, comm string, links map[string]string) {
		t.Helper()
		for name, target := range links {
			path := filepath.Join(proc, pid, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Symlink(target, path), os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(comm+"\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	process("self", "piwiz", map[string]string{"ns/mnt": "mnt:[1]"})
	process("10", "bystander", map[string]string{"fd/3": "/media/me/CARD2/x", "cwd": "/media/me", "root": "/", "ns/mnt": "mnt:[2]"})
	process("20", "na\x1bno", map[string]string{"fd/3": "/media/me/CARD/x"})
	process("30", "sh", map[string]string{"cwd": "/media/me/CARD"})
	process("40", "dd", map[string]string{"fd/1": "/dev/sdx1"})
	process("50", "boxed", map[string]string{"fd/3": "/media/me/CARD/x", "cwd": "/media/me/CARD", "ns/mnt": "mnt:[2]"})
	d := disk.Device{Path: "/dev/sdx", Partitions: []disk.Partition{{Name: "sdx1", Mounts: []string{"/media/me/CARD"}}}}
	if got := list(users(proc, d)); got != "na?no (process 20), sh (process 30), dd (process 40)" {
		t.Errorf("%s", got)
	}
	apart := t.TempDir()
	if err := errors.Join(os.RemoveAll(filepath.Join(proc, "20")), os.RemoveAll(filepath.Join(proc, "30")),
		os.WriteFile(filepath.Join(proc, "10/mountinfo"), []byte("30 1 8:2 / /else rw - ext4 /dev/sdx2 rw\n31 1 8:1 / /c rw - ext4 /dev/sdx1 rw\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := list(users(proc, d)); got != "bystander (process 10), dd (process 40)" {
		t.Errorf("%s", got)
	}
	if got := users(apart, d); got != nil {
		t.Errorf("nobody: %v", got)
	}
}

// A container has names of its own: its /dev/sda may be anything.
func TestAnotherDiskOfThatNameIsNotTheCard(t *testing.T) {
	proc := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(proc, "10/fd"), 0o700), os.Symlink("/dev/sda", filepath.Join(proc, "10/fd/3"))); err != nil {
		t.Fatal(err)
	}
	if !opens(filepath.Join(proc, "10"), map[string]string{"/dev/sda": ""}, nil) {
		t.Error("without numbers the name decides")
	}
	table := func(lines string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(proc, "10/mountinfo"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(proc, "10")
	}
	for _, c := range []struct {
		line string
		want bool
	}{
		{"31 1 8:1 / /c rw - ext4 /dev/sda1 rw\n", true},
		{"31 1 8:1 / /c rw - ext4 /dev/mapped rw\n", true},
		{"31 1 7:9 / /c rw - ext4 /dev/sda1 rw\n", false},
		{"31 1 0:44 / /c rw - btrfs /dev/sda1 rw\n", true},
		{"31 1 0:44 / /c rw - btrfs /dev/sdb1 rw\n", false},
	} {
		if got := mounts(table(c.line), map[string]string{"/dev/sda": "8:0", "/dev/sda1": "8:1"}); got != c.want {
			t.Errorf("%q: %v", c.line, got)
		}
	}
}

// Programs that read, that have something else, or whose opening is not told
// are in nobody's way.
func TestOnlyThoseWhoCouldWriteToACardAreWriters(t *testing.T) {
	proc := t.TempDir()
	put := func(pid, name, target, info string) {
		t.Helper()
		dir := filepath.Join(proc, pid)
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "fd"), 0o700), os.MkdirAll(filepath.Join(dir, "fdinfo"), 0o700),
			os.Symlink(target, filepath.Join(dir, "fd/3")), os.WriteFile(filepath.Join(dir, "fdinfo/3"), []byte(info), 0o600),
			os.WriteFile(filepath.Join(dir, "comm"), []byte(name+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put("10", "reader", "/dev/sdx", "pos:\t0\nflags:\t0100000\nmnt_id:\t24\n")
	put("11", "dd", "/dev/sdx", "pos:\t0\nflags:\t0100001\nmnt_id:\t24\n")
	put("12", "partitioner", "/dev/sdx1", "pos:\t0\nflags:\t0100002\nmnt_id:\t24\n")
	put("13", "other", "/dev/sdy", "pos:\t0\nflags:\t0100002\nmnt_id:\t24\n")
	put("14", "piped", "pipe:[5]", "pos:\t0\nflags:\t01\nmnt_id:\t24\n")
	put("15", "path", "/dev/sdx", "pos:\t0\nflags:\t012000000\nmnt_id:\t24\n")
	put("16", "garbled", "/dev/sdx", "flags:\tx\n")
	d := disk.Device{Path: "/dev/sdx", Partitions: []disk.Partition{{Name: "sdx1"}}}
	if got := list(writers(proc, d)); got != "dd (process 11), partitioner (process 12)" {
		t.Error(got)
	}
}
