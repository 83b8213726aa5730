package grant

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

func TestTheOneWhoAskedIsWhomSudoOrPkexecNames(t *testing.T) {
	own := uint32(os.Getuid())
	for _, c := range []struct {
		env  map[string]string
		want uint32
		bad  bool
	}{
		{nil, own, false},
		{map[string]string{"SUDO_UID": "1000"}, 1000, false},
		{map[string]string{"PKEXEC_UID": "1001"}, 1001, false},
		{map[string]string{"SUDO_UID": "1000", "PKEXEC_UID": "0"}, 1000, false},
		{map[string]string{"SUDO_UID": "-1"}, 0, true},
		{map[string]string{"SUDO_UID": "root"}, 0, true},
		{map[string]string{"SUDO_UID": "4294967296"}, 0, true},
	} {
		got, err := invoker(func(k string) string { return c.env[k] })
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%v: %d, %v", c.env, got, err)
		}
	}
}

func TestOnlyASocketOfTheUserIsAnswered(t *testing.T) {
	uid := uint32(os.Getuid())
	stream, _ := pair(t)
	if err := checkPeer(stream, uid); err != nil {
		t.Errorf("the user's own: %v", err)
	}
	if err := checkPeer(stream, uid+1); err == nil {
		t.Error("another user's socket was taken")
	}
	sock := func(domain, kind int) int {
		fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	for name, fd := range map[string]int{
		"a file":                       int(file(t, "x").Fd()),
		"an internet socket":           sock(unix.AF_INET, unix.SOCK_STREAM),
		"a socket of datagrams":        sock(unix.AF_UNIX, unix.SOCK_DGRAM),
		"a socket connected to nobody": sock(unix.AF_UNIX, unix.SOCK_STREAM),
		"nothing":                      -1,
	} {
		if err := checkPeer(fd, uid); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestWrongUseEndsWithCodeTwoAndASentence(t *testing.T) {
	for _, args := range [][]string{nil, {"open"}, {"open", "/dev/sda"}, {"open", "/dev/sda", "{}", "more"}, {"open", "/dev/sda", "{}", "any-disk", "soldered"}, {"open", "/dev/sda", "{}", "ANY-DISK"}, {"open", "/dev/sda", "{}", "soldered", "more"}, {"wifi", "/etc"}, {"shell"}, {""}} {
		var stderr bytes.Buffer
		if code := Serve(args, file(t, ""), &stderr); code != 2 || !strings.Contains(stderr.String(), "run piwiz instead") {
			t.Errorf("%q: %d, %q", args, code, &stderr)
		}
	}
	var stderr bytes.Buffer
	if code := Serve([]string{"wifi"}, file(t, ""), &stderr); code != 2 || !strings.Contains(stderr.String(), "run piwiz instead") {
		t.Errorf("without a socket: %d, %q", code, &stderr)
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

func TestTheCommandThatIsShownIsTheOneThatIsRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh to judge the quoting")
	}
	d := disk.Device{Path: "/dev/sda", Size: 512, Serial: "it's $HOME `x` \\ \"*;&|~ {a,b}"}
	o := Opener{Device: d, Self: "/home/a b/piwiz"}
	out, err := exec.Command("sh", "-c", `printf '%s\n' `+o.Command()).Output()
	want := append([]string{"/home/a b/piwiz", "grant"}, o.args()...)
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || strings.Join(got[1:], "\n") != strings.Join(want, "\n") {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
	if got := (&WifiReader{Self: "/usr/bin/piwiz"}).Command(); !strings.HasSuffix(got, " /usr/bin/piwiz grant wifi") {
		t.Errorf("%s", got)
	}
}

func TestSudoComesBeforePkexec(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	o := Opener{Device: disk.Device{Path: "/dev/sda", Size: 512}, Self: "/piwiz"}
	var no *Denied
	if err := o.Run(); !errors.As(err, &no) || !strings.Contains(no.Hints()[0], "Install sudo") {
		t.Errorf("with neither: %v", err)
	}
	for _, p := range []string{"pkexec", "sudo"} {
		if err := os.WriteFile(filepath.Join(dir, p), nil, 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := program(); err != nil || got != p {
			t.Errorf("%s, %v, want %s", got, err, p)
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
