package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
)

// desk is a computer with an ordinary user on it, who is no administrator but
// may use sudo: a mount namespace with its own /etc, /dev, /sys, /run, /media
// and /var/lib. Nothing of this machine changes.
type desk struct {
	t     *testing.T
	dir   string
	user  string
	uid   string
	enter []string // runs a command on the desk, as root
}

const password = "correct horse"

// setup makes the namespace: W is the folder of the test, U and I the user's
// name and number, H the hash of the password. It lives as long as its
// standard input is open.
const setup = `set -e
mount -t tmpfs -o mode=755 none "$W/etc"
cp -a /etc/. "$W/etc/"
mount --bind "$W/etc" /etc
echo "$U:x:$I:$I::$W/home:/bin/sh" >> /etc/passwd
echo "$U:$H:19000:0:99999:7:::" >> /etc/shadow
echo "$U:x:$I:" >> /etc/group
rm -f /etc/sudoers.d/*
for d in /run /media /var/lib; do mount -t tmpfs -o mode=755 none $d; done
mkdir -p /run/sudo /run/udev/data "/media/$U/CARD" /media/else
mkdir -m 700 /var/lib/iwd
mkdir "$W/dev/pts" "$W/dev/shm"
mount --rbind /dev/pts "$W/dev/pts"
ln -s pts/ptmx "$W/dev/ptmx"
ln -s /proc/self/fd "$W/dev/fd"
for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$W/dev/${n%:*}" c 1 ${n#*:}; done
mknod -m 666 "$W/dev/tty" c 5 0
mount --rbind "$W/dev" /dev
mount --bind "$W/sys" /sys
echo ready
exec cat
`

// realPiwiz builds piwiz for a test with real parts, which needs what is named.
func realPiwiz(t *testing.T, needs string) (program string) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip(needs + ": set PIWIZ_REAL=1 and see .ci/run")
	}
	program = filepath.Join(t.TempDir(), "piwiz")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func newDesk(t *testing.T, piwiz, sudoers string) *desk {
	t.Helper()
	id := 61000 + os.Getpid()%4000
	d := &desk{t: t, dir: t.TempDir(), user: fmt.Sprintf("pw%d", id), uid: strconv.Itoa(id)}
	for _, name := range []string{"home", "etc", "dev", "sys/block"} {
		if err := os.MkdirAll(filepath.Join(d.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir := d.dir; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d.must("cp", piwiz, filepath.Join(d.dir, "piwiz"))
	d.must("cp", self, filepath.Join(d.dir, "caller"))
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", setup)
	cmd.Env = append(os.Environ(), "W="+d.dir, "U="+d.user, "I="+d.uid, "H="+d.must("openssl", "passwd", "-6", password))
	cmd.Stderr = os.Stderr
	stay(t, cmd)
	d.enter = []string{"nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", cmd.Process.Pid), "--"}
	d.sudoers(sudoers)
	d.save()
	return d
}

// stay runs what holds a namespace open, until the test ends.
func stay(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("%v was not set up: %v", cmd.Args, err)
	}
}

func (d *desk) must(name string, args ...string) string {
	d.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// root runs a shell line as root.
func (d *desk) root(line string, args ...any) string {
	d.t.Helper()
	return d.must(d.enter[0], append(d.enter[1:], "sh", "-c", fmt.Sprintf(line, args...))...)
}

// sudoers says what the user may do; it replaces the whole file.
func (d *desk) sudoers(lines string) {
	d.t.Helper()
	d.root("umask 227; rm -f /etc/sudoers; cat > /etc/sudoers << 'EOF'\nDefaults !fqdn, !lecture, passwd_tries=1\n%s\nEOF\nvisudo -c -q", strings.ReplaceAll(lines, "USER", d.user))
}

// as is a command of the ordinary user.
func (d *desk) as(args ...string) *exec.Cmd {
	args = append(append(d.enter[1:len(d.enter):len(d.enter)], "setpriv", "--reuid", d.uid, "--regid", d.uid, "--clear-groups",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME="+d.dir+"/home", "TERM=xterm-256color"), args...)
	return exec.Command(d.enter[0], args...)
}

// run runs to the end; on the desk there is no terminal.
func (d *desk) run(args ...string) (code int, output string) {
	d.t.Helper()
	return d.end(d.as(args...))
}

func (d *desk) end(cmd *exec.Cmd) (code int, output string) {
	d.t.Helper()
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		d.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// save puts a host and an image into the user's home, and returns the image.
func (d *desk) save() {
	d.t.Helper()
	store := hostfile.Store{Dir: filepath.Join(d.dir, "home/.local/share/piwiz/hosts")}
	host := nixgen.Host{Name: "bach", Board: "4", User: "alice", Country: "DE", TimeZone: "UTC", Locale: "en_US.UTF-8", Keymap: "us"}
	host.Keys = []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVQl5Fz0fVJ3cFkJ0YdYGmFFTaVJVnWYXUF5OdqGm8r me@laptop"}
	if _, err := engine.With(store).Save(hostfile.Saved{Host: host}); err != nil {
		d.t.Fatal(err)
	}
	image := make([]byte, 18<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(image) // never fails
	put := func(i int, kind byte, start, size uint32) {
		e := image[446+16*i:]
		clear(e[:16])
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start<<11)
		binary.LittleEndian.PutUint32(e[12:], size<<11)
	}
	clear(image[440:512])
	put(0, 0x0b, fatStart>>20, fatSize>>20)
	put(1, 0x83, (fatStart+fatSize)>>20, 8)
	image[510], image[511] = 0x55, 0xaa
	fat := filepath.Join(d.dir, "fat")
	d.must("mkfs.vfat", "-C", "-F", "16", "-s", "1", fat, strconv.Itoa(fatSize>>10))
	copy(image[fatStart:], d.read(fat))
	if err := os.WriteFile(filepath.Join(d.dir, "home/bach.img"), image, 0o644); err != nil {
		d.t.Fatal(err)
	}
	d.must("chown", "-R", d.uid+":"+d.uid, filepath.Join(d.dir, "home"))
}

const (
	fatStart = 2 << 20
	fatSize  = 8 << 20
)

func (d *desk) read(path string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *desk) flash() []string {
	return []string{filepath.Join(d.dir, "piwiz"), "flash", "bach", "/dev/sda", "--yes", "--image", filepath.Join(d.dir, "home/bach.img")}
}

// medium is a disk of the desk: a file behind a loop device.
type medium struct {
	d                      *desk
	file, loop, name, part string
	sys                    string // its folder below sys
}

// Places in the tree of devices, by what a disk is connected to.
var places = map[string]string{
	"usb":  "devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host6/target6:0:0/6:0:0:0/block/",
	"sata": "devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/",
	"emmc": "devices/platform/emmc2/mmc_host/mmc0/mmc0:aaaa/block/",
	"nvme": "devices/pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme1/",
	"loop": "devices/virtual/block/",
}

// medium puts in a disk of 32 MiB full of random bytes, with one partition of
// 16 MiB that holds an ext4 file system.
func (d *desk) medium(name, bus string) *medium {
	d.t.Helper()
	m := &medium{d: d, name: name, part: name + "1", file: filepath.Join(d.dir, name+".card"), sys: filepath.Join(d.dir, "sys", places[bus]+name)}
	junk := make([]byte, 32<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(junk) // never fails
	if err := os.WriteFile(m.file, junk, 0o600); err != nil {
		d.t.Fatal(err)
	}
	m.loop = d.must("losetup", "-f", "--show", "--direct-io=on", m.file)
	d.t.Cleanup(func() { _ = exec.Command("losetup", "-d", m.loop).Run() }) // may be gone already
	_ = exec.Command("delpart", m.loop, "1").Run()                          // a killed run may have left one
	d.must("addpart", m.loop, "1", "2048", "32768")
	d.t.Cleanup(func() { _ = exec.Command("delpart", m.loop, "1").Run() }) // as above
	d.must("mkfs.ext4", "-q", "-F", m.loop+"p1")
	for _, dir := range []string{m.sys + "/holders", m.sys + "/queue", m.sys + "/" + m.part + "/holders"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			d.t.Fatal(err)
		}
	}
	d.must("ln", "-s", "../"+places[bus]+name, filepath.Join(d.dir, "sys/block", name))
	d.must("ln", "-s", "../..", m.sys+"/device")
	for f, text := range map[string]string{
		"removable": "1", "ro": "0", "queue/rotational": "1", "queue/physical_block_size": "512", "queue/logical_block_size": "512",
		"device/vendor": "Generic-", "device/model": "SD/MMC", "device/type": map[string]string{"emmc": "MMC"}[bus], "device/serial": "0xCAFE",
		m.part + "/partition": "1", m.part + "/start": "2048",
	} {
		m.fact(f, text)
	}
	if bus == "sata" {
		m.fact("removable", "0")
	}
	m.tell()
	return m
}

// fact writes a file of sysfs.
func (m *medium) fact(name, text string) {
	m.d.t.Helper()
	if err := os.WriteFile(filepath.Join(m.sys, name), []byte(text+"\n"), 0o644); err != nil {
		m.d.t.Fatal(err)
	}
}

// tell copies what the kernel says about the loop device to where the desk
// looks for its disk.
func (m *medium) tell() {
	m.d.t.Helper()
	loop := filepath.Base(m.loop)
	for ours, theirs := range map[string]string{"": loop, m.part: loop + "/" + loop + "p1"} {
		for _, f := range []string{"dev", "size", "diskseq"} {
			if b, err := os.ReadFile(filepath.Join("/sys/block", theirs, f)); err == nil {
				m.fact(filepath.Join(ours, f), strings.TrimSpace(string(b)))
			}
		}
		node := filepath.Join(m.d.dir, "dev", filepath.Base(filepath.Join(m.name, ours)))
		major, minor, _ := strings.Cut(strings.TrimSpace(string(m.d.read(filepath.Join(m.sys, ours, "dev")))), ":")
		_ = os.Remove(node) // there is none at first
		m.d.must("mknod", "-m", "660", node, "b", major, minor)
	}
}

// device is the disk as the desk knows it.
func (m *medium) device() disk.Device {
	m.d.t.Helper()
	number := func(name string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(string(m.d.read(filepath.Join(m.sys, name)))), 10, 64)
		if err != nil {
			m.d.t.Fatal(err)
		}
		return n
	}
	var st unix.Stat_t
	if err := unix.Stat(m.node(), &st); err != nil {
		m.d.t.Fatal(err)
	}
	return disk.Device{
		Name: m.name, Path: "/dev/" + m.name, Size: number("size") * 512, DiskSeq: uint64(number("diskseq")),
		Serial: "0xCAFE", Major: unix.Major(st.Rdev), Minor: unix.Minor(st.Rdev),
	}
}

// untouched is a sum of the bytes that no mounted file system may change.
func (m *medium) untouched() [sha256.Size]byte {
	m.d.t.Helper()
	b := m.d.read(m.file)
	return sha256.Sum256(append(b[:1<<20:1<<20], b[17<<20:]...))
}

// written checks that the image is on the card, with the host's key added to
// the firmware partition and nothing else changed.
func (m *medium) written() {
	m.d.t.Helper()
	card, image := m.d.read(m.file), m.d.read(filepath.Join(m.d.dir, "home/bach.img"))
	after := fatStart + fatSize
	if !bytes.Equal(card[:fatStart], image[:fatStart]) || !bytes.Equal(card[after:len(image)], image[after:]) {
		m.d.t.Error("the card does not hold the image")
	}
	key := m.d.must("mtype", "-i", fmt.Sprintf("%s@@%d", m.file, fatStart), "::/piwiz/ssh_host_ed25519_key.pub")
	saved := m.d.read(filepath.Join(m.d.dir, "home/.local/share/piwiz/hosts/bach/secrets/ssh_host_ed25519_key.pub"))
	if key != strings.TrimSpace(string(saved)) {
		m.d.t.Errorf("the host key on the card is %q", key)
	}
}

// node is the disk as the desk sees it: locks belong to the node.
func (m *medium) node() string { return filepath.Join(m.d.dir, "dev", m.name) }

// free checks that nobody has the disk open or locked any more.
func (m *medium) free() {
	m.d.t.Helper()
	fd, err := unix.Open(m.node(), unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0)
	for range 50 { // a killed process is not gone at once
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		fd, err = unix.Open(m.node(), unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		m.d.t.Fatalf("the card is still in use: %v", err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		m.d.t.Errorf("the card is still locked: %v", err)
	}
}
