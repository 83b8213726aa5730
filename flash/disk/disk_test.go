package disk

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/flash/disk/bus"
	"piwiz/flash/disk/computer"
)

// tree makes a computer with one USB disk, sda, and these files over it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	usb := "sys/devices/pci0000:00/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda"
	all := map[string]string{
		usb + "/dev": "8:0", usb + "/size": "62333952", usb + "/removable": "1", usb + "/diskseq": "7",
		usb + "/sda1/dev": "8:1", usb + "/sda1/partition": "1", usb + "/sda1/size": "61440",
		"sys/devices/pci0000:00/usb1/1-1/idVendor": "0bda", "sys/devices/pci0000:00/usb1/1-1/serial": "2012",
		"proc/self/mountinfo": "22 1 0:21 / / rw - tmpfs tmpfs rw\n", "proc/swaps": "Filename\n",
	}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "sys/block"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../"+strings.TrimPrefix(usb, "sys/"), filepath.Join(root, "sys/block/sda")); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestTheFactsOfADiskAreThoseOfTheKernel(t *testing.T) {
	d, err := Read(tree(t, nil), "sda")
	if err != nil {
		t.Fatal(err)
	}
	if d.Path != "/dev/sda" || d.Size != 31914983424 || d.Bus != bus.USB || !d.Removable || d.DiskSeq != 7 || d.Major != 8 || d.Minor != 0 || d.Serial != "2012" {
		t.Errorf("got %+v", d)
	}
	if len(d.Partitions) != 1 || d.Partitions[0].Name != "sda1" || d.Partitions[0].Size != 30<<20 {
		t.Errorf("partitions are %+v", d.Partitions)
	}
}

// The CID holds the serial number and the maker (SD Physical Layer, 5.2).
func TestACardInABuiltInSlotIsKnownByItsCID(t *testing.T) {
	sda := "sys/devices/pci0000:00/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda/"
	for _, c := range []struct{ cid, serial, want string }{{"0353445343333247", "0xbeef", "0353445343333247"}, {"", "0xbeef", "0xbeef"}} {
		d, err := Read(tree(t, map[string]string{sda + "device/cid": c.cid, sda + "device/serial": c.serial}), "sda")
		if err != nil || d.Serial != c.want {
			t.Errorf("got %q, %v, want %s", d.Serial, err, c.want)
		}
	}
}

func TestWhatIsNoDiskIsNotRead(t *testing.T) {
	root := tree(t, nil)
	for _, name := range []string{"", ".", "..", "sdb", "sda1", "../block/sda", "sda/", "sda\x00", "/dev/sda"} {
		if d, err := Read(root, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %+v, %v", name, d, err)
		}
	}
}

func TestATableThatCannotBeReadIsAnErrorAndNotAnEmptyOne(t *testing.T) {
	for _, name := range []string{"proc/self/mountinfo", "proc/swaps"} {
		root := tree(t, nil)
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(root, name), 0o700); err != nil { // reading it fails
			t.Fatal(err)
		}
		if _, err := Read(root, "sda"); err == nil {
			t.Errorf("without %s the disk is still read", name)
		}
	}
	root := tree(t, nil)
	if err := os.Remove(filepath.Join(root, "proc/swaps")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(root, "sda"); err != nil {
		t.Errorf("a kernel without swap: %v", err)
	}
}

func TestADiskThatGoesWhileItIsReadIsGone(t *testing.T) {
	root := tree(t, nil)
	c, err := computer.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(root, "sys/devices/pci0000:00/usb1")); err != nil {
		t.Fatal(err)
	}
	if _, err := read(c, root, "sda"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestADeviceNumberThatIsNoneIsAnError(t *testing.T) {
	for _, numbers := range []string{"8", "8:", ":0", "8:x", "-1:0", "99999999999:0"} {
		root := tree(t, map[string]string{"sys/devices/pci0000:00/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda/dev": numbers})
		if _, err := Read(root, "sda"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", numbers, err)
		}
	}
}

func TestOuterMountsStandBeforeInnerOnes(t *testing.T) {
	d := Device{Mounts: []string{"/mnt/a/b"}, Partitions: []Partition{{Mounts: []string{"/mnt"}}, {Mounts: []string{"/mnt/a", "/mnt/a"}}}}
	if got, want := d.Unmounts(), []string{"/mnt", "/mnt/a", "/mnt/a", "/mnt/a/b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCardReadersAreToldFromSticksByTheirNames(t *testing.T) {
	for name, want := range map[string]bool{
		"Generic- SD/MMC": true, "Generic- USB3.0 CRW -SD": true, "Generic STORAGE DEVICE": true, "Generic MassStorageClass": true,
		"TS-RDF5 SD Transcend": true, "Generic- Multiple Reader": true, "Generic- MicroSD/M2": true, "SDXC Card": true,
		"Apple SDXC Reader": true, "SanDisk SDDR-B531": true,
		"SanDisk Cruzer Blade": false, "SanDisk Ultra": false, "Samsung PSSD T7": false, "SSD": false, "Kingston DataTraveler 3.0": false,
		"WD Elements 25A2": false, "USB DISK 2.0": false, "Generic Flash Disk": false,
	} {
		vendor, model, _ := strings.Cut(name, " ")
		d := Device{Bus: bus.USB, Removable: true, Size: 31e9, Vendor: vendor, Model: model}
		if got := d.Doubt() == ""; got != want {
			t.Errorf("%s: taken for a reader is %v", name, got)
		}
	}
}

func TestSizesAreWrittenInOneWay(t *testing.T) {
	for size, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 30 << 20: "30.0 MiB", 31914983424: "29.7 GiB", 1e12: "931.3 GiB", 2 << 40: "2.0 TiB", 3 << 50: "3.0 PiB"} {
		if got := Human(size); got != want {
			t.Errorf("%d: got %s, want %s", size, got, want)
		}
	}
}
