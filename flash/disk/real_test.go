package disk

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/computer"
)

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// attach makes a disk of a new file. Its name is that of a loop device.
func attach(t *testing.T, file, size string) string {
	t.Helper()
	run(t, "truncate", "-s", size, file)
	dev := run(t, "losetup", "-f", "-P", "--show", file)
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() }) // some tests detach it
	return filepath.Base(dev)
}

func mounted(t *testing.T, args ...string) {
	t.Helper()
	point := args[len(args)-1]
	if err := os.MkdirAll(point, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", args...)
	t.Cleanup(func() { unmount(t, point) })
}

// unmount waits for others on this machine, who may be looking at what is mounted.
func unmount(t *testing.T, point string) {
	t.Helper()
	for range 50 {
		if exec.Command("umount", point).Run() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	run(t, "umount", point)
}

func real(t *testing.T) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and loop devices: set PIWIZ_REAL=1")
	}
}

func look(t *testing.T, name string) Device {
	t.Helper()
	d, err := Read("/", name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A disk in use in every way that this kernel can do without a mapper: an
// open file system, bound elsewhere, an overlay on it, a file on it that is a
// disk, a file on it that is swap, and a swap partition.
func TestTheKernelsOwnTablesTellWhatRunsOnADisk(t *testing.T) {
	real(t)
	dir := t.TempDir()
	lower := attach(t, filepath.Join(dir, "lower.img"), "96M")
	cmd := exec.Command("sfdisk", "-q", "/dev/"+lower)
	cmd.Stdin = strings.NewReader("size=64M\ntype=82\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	run(t, "partx", "-u", "/dev/"+lower) // a kernel may know no partition tables
	run(t, "mkfs.ext4", "-q", "/dev/"+lower+"p1")
	run(t, "mkswap", "/dev/"+lower+"p2")
	base := filepath.Join(dir, "my card")
	mounted(t, "/dev/"+lower+"p1", base)
	mounted(t, "--bind", base, filepath.Join(dir, "bound"))
	for _, d := range []string{"up", "work"} {
		if err := os.Mkdir(filepath.Join(base, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	over := filepath.Join(dir, "over")
	mounted(t, "-t", "overlay", "overlay", "-o", "lowerdir=/usr/share/doc,upperdir="+base+"/up,workdir="+base+"/work", over)
	upper := attach(t, filepath.Join(base, "upper.img"), "24M")
	run(t, "mkfs.ext4", "-q", "/dev/"+upper)
	mounted(t, "/dev/"+upper, filepath.Join(dir, "upper"))
	run(t, "swapon", "/dev/"+lower+"p2")
	t.Cleanup(func() { run(t, "swapoff", "/dev/"+lower+"p2") })

	d := look(t, lower)
	if len(d.Partitions) != 2 {
		t.Fatalf("got %+v", d)
	}
	p := d.Partitions[0]
	if want := []string{base, filepath.Join(dir, "bound"), over}; !slices.Equal(p.Mounts, want) {
		t.Errorf("mounts are %q, want %q", p.Mounts, want)
	}
	if len(p.Holders) != 1 || p.Holders[0].Name != upper || p.Holders[0].Kind != computer.File || !slices.Equal(p.Holders[0].Mounts, []string{filepath.Join(dir, "upper")}) {
		t.Errorf("holders are %+v, want %s", p.Holders, upper)
	}
	if p.Swap || !d.Partitions[1].Swap {
		t.Errorf("swap is %v and %v, want only the second", p.Swap, d.Partitions[1].Swap)
	}
	sameAsLsblk(t, d)
}

// A container, or what started the computer, can have a file system open that
// is in no mount table of ours.
func TestAFileSystemThatIsOpenOutOfSightIsSeen(t *testing.T) {
	real(t)
	name := attach(t, filepath.Join(t.TempDir(), "card.img"), "32M")
	run(t, "mkfs.ext4", "-q", "/dev/"+name)
	if d := look(t, name); len(d.Holders) != 0 {
		t.Fatalf("closed, and held by %+v", d.Holders)
	}
	box := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", "mount /dev/"+name+" /mnt && echo in && cat")
	in, err := box.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := box.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("in\n"))); err != nil {
		t.Fatal(err)
	}
	if d := look(t, name); d.Mounts != nil || len(d.Holders) != 1 || d.Holders[0].Kind != computer.Elsewhere {
		t.Errorf("got mounts %q, holders %+v", d.Mounts, d.Holders)
	}
	if err := errors.Join(in.Close(), box.Wait()); err != nil {
		t.Fatal(err)
	}
	if d := look(t, name); len(d.Holders) != 0 {
		t.Errorf("closed, and held by %+v", d.Holders)
	}
}

func TestALargeSectorIsSeenAndRefused(t *testing.T) {
	real(t)
	file := filepath.Join(t.TempDir(), "card.img")
	run(t, "truncate", "-s", "32M", file)
	dev := run(t, "losetup", "-f", "--show", "--sector-size", "4096", file)
	t.Cleanup(func() { run(t, "losetup", "-d", dev) })
	d := look(t, filepath.Base(dev))
	sameAsLsblk(t, d)
	if d.Bus = bus.USB; !strings.Contains(d.Refusal(), "4096") {
		t.Errorf("with sectors of %d bytes it is refused by %q", d.Sector, d.Refusal())
	}
}

// A card of this kernel, with others mounted over its point, in its folders,
// over the folder above and beside it: what findmnt has on top is what counts.
func TestTheKernelsNumbersTellWhoCoversWhom(t *testing.T) {
	real(t)
	dir := t.TempDir()
	name := attach(t, filepath.Join(dir, "card.img"), "32M")
	run(t, "mkfs.ext4", "-q", "/dev/"+name)
	above := filepath.Join(dir, "above")
	point := filepath.Join(above, "card")
	mounted(t, "-t", "tmpfs", "below", above)
	mounted(t, "/dev/"+name, point)
	beside := filepath.Join(above, "car")
	mounted(t, "-t", "tmpfs", "beside", beside)
	mounted(t, "--bind", point, filepath.Join(dir, "again"))
	if d := look(t, name); d.Covers != nil {
		t.Errorf("nothing covers it, got %q", d.Covers)
	}
	for _, at := range []string{point, filepath.Join(point, "lost+found"), above} {
		run(t, "mount", "-t", "tmpfs", "cover", at)
		if d := look(t, name); !slices.Equal(d.Covers, []string{at}) {
			t.Errorf("covered at %s, got %q", at, d.Covers)
		}
		if top := run(t, "findmnt", "-n", "-o", "SOURCE", "--mountpoint", at); !strings.Contains(top, "cover") {
			t.Errorf("findmnt sees %q at %s", top, at)
		}
		unmount(t, at)
	}
}

// sameAsLsblk lets util-linux judge.
func sameAsLsblk(t *testing.T, d Device) {
	t.Helper()
	type block struct {
		Name        string
		Size        int64
		Sector      int64 `json:"log-sec"`
		RM, RO      bool
		Mountpoints []string
		Children    []block
	}
	var out struct{ Blockdevices []block }
	if err := json.Unmarshal([]byte(run(t, "lsblk", "-J", "-b", "-o", "NAME,SIZE,LOG-SEC,RM,RO,MOUNTPOINTS", d.Path)), &out); err != nil {
		t.Fatal(err)
	}
	want := out.Blockdevices[0]
	if d.Name != want.Name || d.Size != want.Size || d.Sector != want.Sector || d.Removable != want.RM || d.ReadOnly != want.RO || len(d.Partitions) != len(want.Children) {
		t.Fatalf("got %+v, lsblk says %+v", d, want)
	}
	for i, p := range d.Partitions {
		w := want.Children[i]
		if p.Name != w.Name || p.Size != w.Size || p.Swap != slices.Contains(w.Mountpoints, "[SWAP]") {
			t.Errorf("got %+v, lsblk says %+v", p, w)
		}
		for _, point := range w.Mountpoints {
			if point != "" && point != "[SWAP]" && !slices.Contains(p.Mounts, point) {
				t.Errorf("lsblk knows %s at %s, we do not", p.Name, point)
			}
		}
	}
}

func TestAnotherMediumOfTheSameSizeInTheSameDriveIsNoticed(t *testing.T) {
	real(t)
	dir := t.TempDir()
	name := attach(t, filepath.Join(dir, "one.img"), "32M")
	first := look(t, name)
	if first.DiskSeq == 0 {
		t.Fatal("this kernel tells no diskseq")
	}
	run(t, "truncate", "-s", "32M", filepath.Join(dir, "two.img"))
	run(t, "losetup", "-d", first.Path)
	run(t, "losetup", first.Path, filepath.Join(dir, "two.img"))
	now := look(t, name)
	if why := first.Identity().Differs(now.Identity()); !strings.Contains(why, "swapped") {
		t.Errorf("got %q for %+v and %+v", why, first.Identity(), now.Identity())
	}
	if why := now.Identity().Differs(look(t, name).Identity()); why != "" {
		t.Errorf("the same medium: %s", why)
	}
}
