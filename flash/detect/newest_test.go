package detect

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

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

func TestFilesOfAnotherDiskMountedInsideDoNotCount(t *testing.T) {
	f, err := os.CreateTemp("/dev/shm", "piwiz-test-")
	if err != nil {
		t.Skip("there is no /dev/shm here")
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if got := Newest(t.Context(), disk.Device{Mounts: []string{"/dev/shm"}}); got.IsZero() {
		t.Error("a new file is not seen where it is")
	}
	if got := Newest(t.Context(), disk.Device{Mounts: []string{"/dev"}}); time.Since(got) < time.Minute {
		t.Errorf("a file of /dev/shm counts for /dev: %v", got)
	}
}
