package bootfs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changed puts files on a volume as it is done with the FIRMWARE of an image: only
// the tables and the folders are loaded. It says how often it was read.
func changed(t *testing.T, file *os.File, size int64, files []File) (reads int) {
	t.Helper()
	rewind := func() *os.File {
		if _, err := file.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		reads++
		return file
	}
	v, err := Load(rewind(), size)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	patches, err := v.Changes(files, when)
	for errors.Is(err, ErrIncomplete) {
		if err := v.LoadMore(rewind()); err != nil {
			t.Fatal(err)
		}
		patches, err = v.Changes(files, when)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		if _, err := file.WriteAt(p.Data, p.Offset); err != nil {
			t.Fatal(err)
		}
	}
	return reads
}

// A volume of any size takes files, and the reference tools find nothing wrong
// with it.
func TestAVolumeOfAnySizeIsWrittenWithoutBeingInMemory(t *testing.T) {
	need(t, "mkfs.vfat")
	need(t, "mcopy")
	sizes := map[string][]string{"4": nil, "30": nil, "300": {"-F", "32"}}
	if os.Getenv("PIWIZ_REAL") == "1" {
		maps.Copy(sizes, map[string][]string{"257": nil, "513": {"-F", "16", "-s", "128"}, "1024": {"-F", "32", "-s", "1"}, "4096": {"-F", "32"}})
	}
	for mib, more := range sizes {
		t.Run(mib+" MiB", func(t *testing.T) {
			var size int64
			if _, err := fmt.Sscan(mib, &size); err != nil {
				t.Fatal(err)
			}
			size <<= 20
			path := filepath.Join(t.TempDir(), "volume")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			run := func(name string, args ...string) {
				t.Helper()
				if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", name, err, out)
				}
			}
			if err := file.Truncate(size); err != nil {
				t.Fatal(err)
			}
			run("mkfs.vfat", append([]string{"--invariant", "-n", "FIRMWARE", path}, more...)...)
			model := map[string][]byte{}
			folder := t.TempDir()
			r := rand.New(rand.NewPCG(3, uint64(size)))
			for i := range 40 { // files and folders as the firmware has them, in use before
				name := fmt.Sprintf("overlays/a long name of a file %d.dtbo", i)
				model[name] = bytes.Repeat([]byte{byte(i) | 1}, r.IntN(5000))
				if err := os.MkdirAll(filepath.Join(folder, "overlays"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, name), model[name], 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run("mcopy", "-i", path, "-s", filepath.Join(folder, "overlays"), "::/")
			model["piwiz/wireless.conf"], model["overlays/new.txt"] = []byte("network"), bytes.Repeat([]byte("x"), 70000)
			model["overlays/a long name of a file 7.dtbo"] = []byte("replaced")
			files := []File{
				{"piwiz/wireless.conf", model["piwiz/wireless.conf"]},
				{"overlays/new.txt", model["overlays/new.txt"]},
				{"overlays/a long name of a file 7.dtbo", []byte("replaced")},
			}
			if reads := changed(t, file, size, files); reads != 1 {
				t.Errorf("read %d times", reads)
			}
			run("fsck.vfat", "-n", path)
			for name, want := range model {
				if got, err := exec.Command("mtype", "-i", path, "::/"+name).Output(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("mtools reads %d bytes of %s, %v; want %d", len(got), name, err, len(want))
				}
			}
		})
	}
}

// A folder that goes on in front of where it begins takes another read, and is
// right then.
func TestAFolderThatGoesBackwardsIsReadOnceMore(t *testing.T) {
	b := small()
	v, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	// The folder "piwiz" begins in cluster 9 and goes on in 3; both are full but
	// for the last slot.
	root := b[v.rootOff:]
	entry := func(s []byte, name string, attr byte, cluster uint16) {
		copy(s, fmt.Sprintf("%-11s", name))
		s[11] = attr
		le.PutUint16(s[26:], cluster)
	}
	entry(root, "PIWIZ", attrDir, 9)
	entry(v.data(9), ".", attrDir, 9)
	entry(v.data(9)[32:], "..", attrDir, 0)
	for i := 2; i < 16; i++ {
		entry(v.data(9)[32*i:], fmt.Sprintf("A%d", i), attrFile, 0)
	}
	for i := range 15 {
		entry(v.data(3)[32*i:], fmt.Sprintf("B%d", i), attrFile, 0)
	}
	for _, f := range v.fats {
		le.PutUint16(b[f:], 0xfff8)
		b[f+2] = 0xff
	}
	b[38] = 0x29 // a label follows
	copy(b[43:], "NO NAME    ")
	v.set(9, 3)
	v.set(3, v.last())
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(b); err != nil {
		t.Fatal(err)
	}
	if reads := changed(t, file, int64(len(b)), []File{{"piwiz/KEY", []byte("secret")}}); reads != 2 {
		t.Errorf("read %d times", reads)
	}
	got := make([]byte, len(b))
	if _, err := file.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	if data, err := get(got, "piwiz/KEY"); err != nil || string(data) != "secret" {
		t.Errorf("%q, %v", data, err)
	}
	judge(t, got, nil) // mtools wants a geometry, which this one has not
}

// What it needs does not grow with what is on the volume.
func TestAFullVolumeTakesNoMemory(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("reads 600 MiB: set PIWIZ_REAL=1")
	}
	path := filepath.Join(t.TempDir(), "volume")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(600 << 20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.vfat", "-F", "32", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	full := filepath.Join(t.TempDir(), "full")
	if err := os.WriteFile(full, bytes.Repeat([]byte("kernel"), 90<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mcopy", "-i", path, full, "::/").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v, err := Load(file, 600<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	in := make([]byte, len(v.b)/4096)
	if err := mincore(v.b, in); err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, p := range in {
		pages += int(p & 1)
	}
	if pages*4096 > 8<<20 {
		t.Errorf("%d KiB are in memory", pages*4)
	}
}

func mincore(b, in []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, addr(b), uintptr(len(b)), addr(in))
	if errno != 0 {
		return errno
	}
	return nil
}

func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }
