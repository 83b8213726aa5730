package detect

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"piwiz/flash/disk/facts"
)

// machine is a computer described in testdata/machines: what its kernel and
// udev say, and after "---" the list that piwiz must show for it.
//
//	disk NAME PLACE SIZE [FACT=VALUE]...  a disk; PLACE as in places, or its path below /sys/devices
//	part NAME SIZE [FACT=VALUE]...        a partition of the disk above
//	hold LOWER UPPER...                   the kernel says that UPPER is made of LOWER
//	mount SOURCE POINT TYPE [dev=NAME] [opts=OPTIONS]
//	swap PATH
//	any NAME...                           offered only when it is asked for by its name
//	raw PATH BYTES                        a file that does not end with a line feed
//	file PATH TEXT | link PATH TARGET     anything else
//
// A FACT is a file in the folder of the disk in sysfs (usb/... in that of the
// USB device it hangs on), ID_... is udev's, fs= and label= are short for
// udev's. Values with spaces are quoted as in Go.
type machine struct {
	t              *testing.T
	root           string
	count          int
	disk           string            // folder of the disk above
	dirs, numbers  map[string]string // by name of disk or partition
	mounts, tables []string          // lines of the two tables of mounts
	points         []string          // of the mounts; their numbers begin at 20
	any            []string          // offered when they are named
	want           string
}

// places are short for where the kernel puts a disk: kind:argument.
var places = map[string]string{
	"usb":     "pci0000:00/0000:00:14.0/usb2/{1}/{1}:1.0/host6/target6:0:0/6:0:0:{2}/block/",
	"ata":     "pci0000:00/0000:00:17.0/ata{1}/host{1}/target{1}:0:0/{1}:0:0:0/block/",
	"nvme":    "pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme{1}/",
	"mmc":     "pci0000:00/0000:00:1a.0/mmc_host/mmc{1}/mmc{1}:0001/block/",
	"virtio":  "pci0000:00/0000:00:05.0/virtio{1}/block/",
	"virtual": "virtual/block/",
}

// build makes the tree of a machine in a folder of its own.
func build(t *testing.T, file string) *machine {
	t.Helper()
	m := &machine{t: t, root: memory(t), dirs: map[string]string{}, numbers: map[string]string{}}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	facts, want, ok := strings.Cut(string(b), "\n---\n")
	if !ok {
		t.Fatalf("%s has no line --- and no list after it", file)
	}
	m.want = want
	if err := os.MkdirAll(filepath.Join(m.root, "sys/block"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority")
	for line := range strings.Lines(facts) {
		if w := m.words(line); len(w) > 0 && !strings.HasPrefix(w[0], "#") {
			m.line(w)
		}
	}
	m.put("proc/self/mountinfo", strings.Join(m.tables, "\n"))
	m.put("proc/self/mounts", strings.Join(m.mounts, "\n"))
	return m
}

// memory is a folder for thousands of small files: in memory where there is
// such a place, since a busy disk takes half a minute for them.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "piwiz-machine-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (m *machine) line(w []string) {
	m.t.Helper()
	switch {
	case w[0] == "disk" && len(w) >= 4:
		m.disk = m.place(w[1], w[2])
		m.device(w[1], m.disk, w[3], append([]string{"removable=0"}, w[4:]...))
		m.put(filepath.Join(m.disk, "diskseq"), strconv.Itoa(m.count))
		m.link(filepath.Join("sys/block", w[1]), strings.Replace(m.disk, "sys/", "../", 1))
	case w[0] == "part" && len(w) >= 3:
		number := w[1][strings.LastIndexFunc(w[1], func(r rune) bool { return r < '0' || r > '9' })+1:]
		m.device(w[1], filepath.Join(m.disk, w[1]), w[2], append([]string{"partition=" + number}, w[3:]...))
	case w[0] == "hold" && len(w) >= 3:
		for _, upper := range w[2:] {
			m.link(filepath.Join(m.dirs[w[1]], "holders", upper), "../../"+upper)
		}
	case w[0] == "mount" && len(w) >= 4:
		m.mount(w[1], w[2], w[3], w[4:])
	case w[0] == "any":
		m.any = append(m.any, w[1:]...)
		slices.Sort(m.any)
	case w[0] == "swap" && len(w) == 2:
		m.put("proc/swaps", m.get("proc/swaps")+"\n"+escape(w[1])+"\tpartition\t8388604\t0\t-2")
	case w[0] == "file" && len(w) == 3:
		m.put(w[1], w[2])
	case w[0] == "raw" && len(w) == 3:
		m.put(w[1], "")
		if err := os.WriteFile(filepath.Join(m.root, w[1]), []byte(w[2]), 0o600); err != nil {
			m.t.Fatal(err)
		}
	case w[0] == "link" && len(w) == 3:
		m.link(w[1], w[2])
	default:
		m.t.Fatalf("not understood: %q", w)
	}
}

func (m *machine) place(name, place string) string {
	kind, args, _ := strings.Cut(place, ":")
	format, ok := places[kind]
	if !ok {
		return filepath.Join("sys/devices", place)
	}
	a, b, _ := strings.Cut(args, ":")
	b = cmp.Or(b, "0")
	return filepath.Join("sys/devices", strings.NewReplacer("{1}", a, "{2}", b).Replace(format), name)
}

func (m *machine) device(name, dir, size string, facts []string) {
	m.t.Helper()
	m.count++
	m.dirs[name], m.numbers[name] = dir, fmt.Sprintf("259:%d", m.count)
	switch {
	case strings.Contains(dir, "/virtual/block/"), dir != m.disk:
	case filepath.Base(filepath.Dir(dir)) == "block":
		m.link(filepath.Join(dir, "device"), "../..")
	default:
		m.link(filepath.Join(dir, "device"), "..")
	}
	usb, _, onUSB := strings.Cut(dir, ":1.0/host")
	usb = filepath.Dir(usb) // .../usb2/2-3/2-3:1.0/host6/... hangs on .../usb2/2-3
	if onUSB {
		m.put(filepath.Join(usb, "idVendor"), "0bda")
	}
	m.put(filepath.Join(dir, "dev"), m.numbers[name])
	m.put(filepath.Join(dir, "ro"), "0")
	m.put(filepath.Join(dir, "size"), strconv.FormatInt(m.bytes(size)/512, 10))
	var udev []string
	for _, f := range facts {
		key, value, _ := strings.Cut(f, "=")
		switch {
		case strings.HasPrefix(key, "usb/"):
			m.put(filepath.Join(usb, strings.TrimPrefix(key, "usb/")), value)
		case key == "fs" || key == "label" || strings.HasPrefix(key, "ID_"):
			udev = append(udev, properties(key, value)...)
		case f == "dev=": // a disk that has no number
			m.remove(filepath.Join(dir, "dev"))
		default:
			m.put(filepath.Join(dir, key), value)
		}
	}
	if udev != nil {
		m.put("run/udev/data/b"+m.numbers[name], "S:disk/by-path/x\nI:1\n"+strings.Join(udev, "\n")+"\nG:systemd")
	}
}

// properties are lines of udev's database.
func properties(key, value string) []string {
	switch key {
	case "fs":
		return []string{"E:ID_FS_TYPE=" + value}
	case "label":
		return []string{
			"E:ID_FS_LABEL=" + strings.ReplaceAll(value, " ", "_"),
			"E:ID_FS_LABEL_ENC=" + strings.ReplaceAll(value, " ", `\x20`),
		}
	}
	return []string{"E:" + key + "=" + value}
}

// mount writes a line as proc_pid_mountinfo(5) and fstab(5) have it.
func (m *machine) mount(source, point, kind string, more []string) {
	numbers, options := "", "rw"
	switch kind {
	case "btrfs", "bcachefs", "zfs", "overlay":
	default:
		numbers = m.numbers[strings.TrimPrefix(source, "/dev/")]
	}
	for _, x := range more {
		if dev, ok := strings.CutPrefix(x, "dev="); ok {
			numbers = m.numbers[dev]
		}
		if o, ok := strings.CutPrefix(x, "opts="); ok {
			options = o
		}
	}
	if numbers == "" {
		m.count++
		numbers = fmt.Sprintf("0:%d", m.count)
	}
	parent := 1
	for i, p := range m.points { // it is on the last one there, or on the nearest folder above
		if facts.Within(point, p) && (parent == 1 || len(p) >= len(m.points[parent-20])) {
			parent = 20 + i
		}
	}
	m.tables = append(m.tables, fmt.Sprintf("%d %d %s / %s rw,relatime shared:1 - %s %s %s", 20+len(m.points), parent, numbers, escape(point), kind, escape(source), escape(options)))
	m.points = append(m.points, point)
	m.mounts = append(m.mounts, fmt.Sprintf("%s %s %s %s 0 0", escape(source), escape(point), kind, escape(options)))
}
