package named

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is a computer with a card, the system on LVM in an encrypted partition,
// an NVMe disk, soldered-in memory, and what is made of files and memory. A
// device is a file whose text is its kind and numbers.
func root(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"sys/block/sdb/dev": "8:16", "sys/block/sdb/sdb1/dev": "8:17", "sys/block/sdb/sdb1/partition": "1",
		"sys/block/sda/dev": "8:0", "sys/block/sda/sda2/dev": "8:2", "sys/block/sda/sda2/partition": "2",
		"sys/block/dm-0/dev": "253:0", "sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-x", "sys/block/dm-0/dm/name": "home\x1b[2J", "sys/block/dm-0/slaves/sda2/x": "",
		"sys/block/dm-1/dev": "253:1", "sys/block/dm-1/dm/uuid": "LVM-x", "sys/block/dm-1/dm/name": "vg-root", "sys/block/dm-1/slaves/dm-0/x": "",
		"sys/block/dm-2/dev": "253:2", "sys/block/dm-2/dm/uuid": "mpath-x", "sys/block/dm-2/dm/name": "mpatha", "sys/block/dm-2/slaves/sdb/x": "", "sys/block/dm-2/slaves/sda/x": "",
		"sys/block/md127/dev": "9:127", "sys/block/md127/slaves/sdb1/x": "", "sys/block/md127/md127p1/dev": "259:9", "sys/block/md127/md127p1/partition": "1",
		"sys/block/loop0/dev": "7:0", "sys/block/loop0/loop/backing_file": "/home/ann/a.img", "sys/block/loop1/dev": "7:1",
		"sys/block/zram0/dev": "252:0", "sys/block/nvme0n1/dev": "259:0", "sys/block/sr0/dev": "11:0",
		"sys/block/mmcblk0/dev": "179:0", "sys/block/mmcblk0/mmcblk0p1/dev": "179:1", "sys/block/mmcblk0/mmcblk0p1/partition": "1", "sys/block/mmcblk0boot0/dev": "179:8",
		"sys/class/scsi_generic/sg1/device/block/sdb/x": "",
		"proc/self/mountinfo":                           "20 1 8:2 / / rw - ext4 /dev/sda2 rw\n21 20 8:17 / /media/CARD rw - vfat /dev/sdb1 rw\n22 20 0:9 / /proc rw - proc proc rw\n",
		"dev/sdb":                                       "b 8:16", "dev/sdb1": "b 8:17", "dev/sda": "b 8:0", "dev/dm-0": "b 253:0", "dev/dm-1": "b 253:1", "dev/dm-2": "b 253:2", "dev/md127": "b 9:127", "dev/md127p1": "b 259:9",
		"dev/loop0": "b 7:0", "dev/loop1": "b 7:1", "dev/zram0": "b 252:0", "dev/nvme0n1": "b 259:0", "dev/nvme0": "c 241:0", "dev/sr0": "b 11:0", "dev/sg1": "c 21:1", "dev/null": "c 1:3",
		"dev/mmcblk0": "b 179:0", "dev/mmcblk0p1": "b 179:1", "dev/mmcblk0boot0": "b 179:8", "dev/sdq": "b 65:0", "dev/sdz": "oops", "dev/pipe": "p",
		"media/CARD/x": "", "home/a.img": "x", "home/a.img.zst": "x", "home/sdb": "x", "home/notes": "x",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"dev/disk/by-id/usb-Generic": "../../sdb", "dev/disk/by-label/FIRMWARE": "../../sdb1", "dev/disk/by-path/gone": "../../sdx",
		"dev/mapper/vg-root": "../dm-1", "home/card": "../dev/disk/by-id/usb-Generic", "home/dev": "../dev/disk", "home/loop": "loop",
	} {
		path := filepath.Join(dir, link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Symlink(target, path)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func fake(path string) (fs.FileMode, string, error) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return st.Mode(), "", err
	}
	b, err := os.ReadFile(path)
	kind, numbers, _ := strings.Cut(string(b), " ")
	modes := map[string]fs.FileMode{"b": fs.ModeDevice, "c": fs.ModeDevice | fs.ModeCharDevice, "p": fs.ModeNamedPipe}
	return modes[kind], numbers, err
}

func TestEveryNameOfADiskLeadsToIt(t *testing.T) {
	dir := root(t)
	t.Chdir(filepath.Join(dir, "home"))
	for typed, want := range map[string]string{
		"/dev/sdb": "sdb", "/dev//sdb": "sdb", "/dev/./sdb": "sdb", "/dev/../dev/sdb": "sdb", "/dev/sdb/": "sdb",
		"/dev/disk/by-id/usb-Generic": "sdb", "card": "sdb", "./card": "sdb", "../dev/sdb": "sdb", "/home/card": "sdb",
		"/home/dev/../sdb": "sdb", // as the kernel goes: .. is the folder above /dev/disk
		"sdb":              "sdb", // though there is a file of that name here
		"nvme0n1":          "nvme0n1", "/dev/mmcblk0": "mmcblk0", "/dev/sr0": "sr0",
	} {
		if got, err := (finder{dir, fake}).disk(typed); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %s", typed, got, err, want)
		}
	}
}

func TestWhatIsNoDiskIsToldByWhatItIs(t *testing.T) {
	dir := root(t)
	t.Chdir(filepath.Join(dir, "home"))
	for typed, want := range map[string]struct {
		what    string
		instead []string
	}{
		"":                               {"no name", nil},
		" ":                              {"no name", nil},
		"/":                              {"/ is the folder with the files of /dev/sda2", []string{"sda"}},
		"/dev":                           {"a folder", nil},
		"/dev/sdb1":                      {"a partition of the disk /dev/sdb", []string{"sdb"}},
		"sdb1":                           {"a partition of the disk /dev/sdb", []string{"sdb"}},
		"/dev/disk/by-label/FIRMWARE":    {"by-label/FIRMWARE is a partition of the disk /dev/sdb", []string{"sdb"}},
		"/dev/mmcblk0p1":                 {"a partition of the disk /dev/mmcblk0", []string{"mmcblk0"}},
		"/dev/mmcblk0boot0":              {"a small part of the built-in memory", []string{"mmcblk0"}},
		"/dev/mapper/vg-root":            {"a logical volume of LVM (vg-root)", []string{"sda"}},
		"/dev/dm-0":                      {"an encrypted disk (home?[2J)", []string{"sda"}},
		"/dev/dm-2":                      {"multipath", []string{"sda", "sdb"}},
		"/dev/md127":                     {"a RAID", []string{"sdb"}},
		"/dev/md127p1":                   {"a partition of /dev/md127, which is a RAID", []string{"sdb"}},
		"/dev/loop0":                     {"the file /home/ann/a.img in use as a disk", nil},
		"/dev/loop1":                     {"shows a file as a disk", nil},
		"/dev/zram0":                     {"compressed memory", nil},
		"/dev/nvme0":                     {"is connected to", []string{"nvme0n1"}},
		"/dev/sg1":                       {"commands", []string{"sdb"}},
		"/dev/null":                      {"a device, but not a disk", nil},
		"/dev/sdq":                       {"is not plugged in", nil},
		"/dev/sdz":                       {"an ordinary file among the devices", nil},
		"/dev/pipe":                      {"a connection between programs", nil},
		"/dev/sdy":                       {"There is no /dev/sdy", nil},
		"/dev/sdb/x":                     {"There is no", nil},
		"sdy":                            {"There is no sdy", nil},
		"/dev/disk/by-path/gone":         {"a link to something that is not there", nil},
		"loop":                           {"cannot be checked", nil},
		"/dev/sdb\x00":                   {"There is no /dev/sdb?", nil},
		"/media/CARD":                    {"the folder with the files of /dev/sdb1", []string{"sdb"}},
		"/media/CARD/":                   {"the folder with the files of /dev/sdb1", []string{"sdb"}},
		"/home":                          {"a folder", nil},
		"a.img":                          {"a file, not a disk", nil},
		"a.img.zst":                      {"a file, not a disk", nil},
		"notes":                          {"a file, not a disk", nil},
		"/dev/\x1b[2J\xff":               {"There is no /dev/?[2J?", nil},
		"/dev/disk/by-id/usb-Generic/..": {"There is no", nil},
	} {
		got, err := (finder{dir, fake}).disk(typed)
		var e *Error
		if got != "" || !errors.As(err, &e) || !strings.Contains(e.What, want.what) || !slices.Equal(e.Instead, want.instead) {
			t.Errorf("%q: got %q, %#v, want %+v", typed, got, err, want)
		}
		if _, file := strings.CutPrefix(typed, "a.img"); file && !strings.Contains(strings.Join(e.Todo, "\n"), "--image "+typed) {
			t.Errorf("%s: %q does not say how an image is named", typed, e.Todo)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"/dev/sda", "sda", "/dev/../dev/x", "\x00", "//", "..", "/proc/self/exe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := Disk("/", typed)
		if err == nil && strings.ContainsAny(name, "/ ") || err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q: %q, %v", typed, name, err)
		}
	})
}
