package detect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

func dated(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestTheNewestFileIsFoundInAnyFolderAndAWrongClockIsNotBelieved(t *testing.T) {
	may := time.Date(2023, 5, 3, 12, 0, 0, 0, time.UTC)
	one, two := t.TempDir(), t.TempDir()
	dated(t, filepath.Join(one, "old"), may.AddDate(-3, 0, 0))
	dated(t, filepath.Join(one, "DCIM/100/new.jpg"), may)
	dated(t, filepath.Join(one, "future"), time.Now().AddDate(5, 0, 0))
	dated(t, filepath.Join(two, "older"), may.AddDate(-1, 0, 0))
	if err := os.Symlink("/etc/hosts", filepath.Join(one, "link")); err != nil { // newer, and elsewhere
		t.Fatal(err)
	}
	d := disk.Device{Mounts: []string{one}, Partitions: []disk.Partition{{Mounts: []string{two, filepath.Join(two, "gone")}}}}
	if got := Newest(t.Context(), d); !got.Equal(may) {
		t.Errorf("got %v, want %v", got, may)
	}
	if got := Newest(t.Context(), disk.Device{}); !got.IsZero() {
		t.Errorf("nothing is open, got %v", got)
	}
}

func TestTheNewestFileOfAFullDiskIsLookedForAmongTheUpperOnes(t *testing.T) {
	dir, upper := t.TempDir(), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 10 {
		dated(t, filepath.Join(dir, "a", fmt.Sprint(n)), upper)
	}
	dated(t, filepath.Join(dir, "a/deep/new"), upper.AddDate(1, 0, 0))
	d := disk.Device{Mounts: []string{dir}}
	if got := newest(t.Context(), d, 12); !got.Equal(upper) { // a, its ten files and the folder in it
		t.Errorf("got %v, want %v", got, upper)
	}
	if got := newest(t.Context(), d, 13); !got.Equal(upper.AddDate(1, 0, 0)) {
		t.Errorf("with one more: got %v", got)
	}
}

// The test program is also one in namespaces of its own, where it may mount: it
// says how old the newest file is that counts for the folder, and for the one
// in it that is a disk of its own.
func init() {
	dir := os.Getenv("PIWIZ_TEST_MOUNTS")
	if dir == "" {
		return
	}
	inside := filepath.Join(dir, "inside")
	err := errors.Join(unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("none", inside, "tmpfs", 0, ""),
		os.WriteFile(filepath.Join(inside, "new"), nil, 0o600))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, point := range []string{dir, inside} {
		fmt.Println(Newest(context.Background(), disk.Device{Mounts: []string{point}}).IsZero())
	}
	os.Exit(0)
}

func TestFilesOfAnotherDiskMountedInsideDoNotCount(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"PIWIZ_TEST_MOUNTS=" + dir, "GOCOVERDIR=" + t.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if err != nil && os.Getenv("PIWIZ_REAL") != "1" {
		t.Skipf("needs user namespaces: %v %s", err, out)
	}
	if string(out) != "true\nfalse\n" {
		t.Errorf("%v, no file counts: %q", err, out)
	}
}
