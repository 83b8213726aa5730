package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"piwiz/tui/screen"
)

// world is a computer, a card reader and a home network of our own: the
// program inside sees /sys, /dev and the network of the test, a real Nix and
// real emulation, and nothing else of this machine changes.
type world struct {
	t      *testing.T
	dir    string
	pre    string // prefix of the network namespaces
	piwiz  string
	rig    string
	script string // enters the computer: world CMD...
	cards  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, Nix and network namespaces: set PIWIZ_REAL=1 and see .ci/run")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), pre: fmt.Sprintf("e%d", os.Getpid()%100000), rig: os.Getenv("PIWIZ_RIG")}
	if w.rig == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	w.piwiz = filepath.Join(w.dir, "piwiz")
	w.must("go", "build", "-o", w.piwiz, ".")
	for _, d := range []string{"home/.ssh", "iwd", "sys/block", "dev"} {
		if err := os.MkdirAll(filepath.Join(w.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.write("iwd/Home Net.psk", "[Security]\nPassphrase=correct horse battery\n")
	w.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@laptop", "-f", filepath.Join(w.dir, "home/.ssh/id_ed25519"))
	w.network(root)
	w.script = filepath.Join(w.dir, "enter")
	w.write("enter", fmt.Sprintf(`#!/bin/sh
# The computer: its own network, disks, Wi-Fi files and home.
exec ip netns exec %[1]spc unshare --mount --propagation private sh -c '
  mkdir -p /var/lib/iwd
  mount --bind %[2]s/iwd /var/lib/iwd
  mkdir -p -m 700 /root/.ssh && mount --bind %[2]s/home/.ssh /root/.ssh # ssh takes the home from the user database
  mount --bind %[2]s/sys /sys
  mkdir -p %[2]s/realdev && mount --rbind /dev %[2]s/realdev
  for d in %[2]s/dev/*; do [ -e "$d" ] || continue; n=/dev/${d##*/}; [ -e "$n" ] || : > "$n"; mount --bind "$d" "$n"; done
  export HOME=%[2]s/home XDG_DATA_HOME=%[2]s/home/.local/share XDG_STATE_HOME=%[2]s/home/.local/state LANG=de_DE.UTF-8
  unset SSH_AUTH_SOCK CI
  exec %[3]s/.ci/rig/with-nix %[4]s "$@"' sh "$@"
`, w.pre, w.dir, root, w.rig))
	if err := os.Chmod(w.script, 0o755); err != nil {
		t.Fatal(err)
	}
	cached.Do(w.fillCache)
	return w
}

var cached sync.Once

// fillCache builds what a real cache has, above all the kernel: piwiz asks
// before it compiles one.
func (w *world) fillCache() {
	w.t.Helper()
	w.answers("warm")
	w.verb("build", filepath.Join(w.dir, "warm.toml"), "--yes", "--nixpkgs", "path:"+w.rig+"/nixpkgs")
	if err := os.RemoveAll(filepath.Join(w.dir, "home/.local")); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) network(root string) {
	w.env("PRE="+w.pre, filepath.Join(root, ".ci/rig/net"), "up")
	w.t.Cleanup(func() { w.env("PRE="+w.pre, filepath.Join(root, ".ci/rig/net"), "down") })
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) must(name string, args ...string) string {
	w.t.Helper()
	return w.output(exec.Command(name, args...))
}

func (w *world) env(env, name string, args ...string) {
	w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env)
	w.output(cmd)
}

func (w *world) output(cmd *exec.Cmd) string {
	w.t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// card puts a new card into the reader: a file behind a loop device, which
// the computer sees as sda in a USB card reader. It returns the file.
func (w *world) card() string {
	w.t.Helper()
	w.cards++
	file := filepath.Join(w.dir, fmt.Sprintf("card%d.img", w.cards))
	w.must("truncate", "-s", "512M", file)
	loop := w.must("losetup", "-f", "--show", "--direct-io=on", file)
	w.t.Cleanup(func() { _ = exec.Command("losetup", "-d", loop).Run() }) // may be gone already
	w.insert(loop)
	return file
}

// insert puts a loop device into the reader.
func (w *world) insert(loop string) {
	w.t.Helper()
	name := filepath.Base(loop)
	usb := filepath.Join(w.dir, "sys/devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host6/target6:0:0/6:0:0:0/block/sda")
	if err := os.RemoveAll(usb); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range []string{usb + "/queue", usb + "/holders", filepath.Dir(filepath.Dir(usb))} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	numbers := w.must("cat", "/sys/block/"+name+"/dev")
	rel := func(p string) string { return strings.TrimPrefix(p, w.dir+"/") }
	for f, text := range map[string]string{
		"dev": numbers, "size": w.must("cat", "/sys/block/"+name+"/size"), "diskseq": w.must("cat", "/sys/block/"+name+"/diskseq"),
		"removable": "1", "ro": "0", "queue/rotational": "1", "queue/physical_block_size": "512", "queue/logical_block_size": "512",
	} {
		w.write(rel(filepath.Join(usb, f)), text+"\n")
	}
	device := filepath.Dir(filepath.Dir(usb))
	w.write(rel(device)+"/vendor", "Generic-\n")
	w.write(rel(device)+"/model", "SD/MMC\n")
	_ = os.Remove(filepath.Join(usb, "device"))
	_ = os.Remove(filepath.Join(w.dir, "sys/block/sda"))
	// Not removed: where the computer runs already, the old node is mounted.
	_ = os.Rename(filepath.Join(w.dir, "dev/sda"), filepath.Join(w.dir, fmt.Sprintf("dev/.gone-%d", w.cards)))
	if err := os.Symlink("../..", filepath.Join(usb, "device")); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink("../"+strings.TrimPrefix(usb, filepath.Join(w.dir, "sys")+"/"), filepath.Join(w.dir, "sys/block/sda")); err != nil {
		w.t.Fatal(err)
	}
	major, minor, _ := strings.Cut(numbers, ":")
	w.must("mknod", filepath.Join(w.dir, "dev/sda"), "b", major, minor)
}

// inside is a command run on the computer.
func (w *world) inside(args ...string) *exec.Cmd {
	return exec.Command(w.script, args...)
}

func (w *world) verb(args ...string) string {
	w.t.Helper()
	return w.output(w.inside(append([]string{w.piwiz}, args...)...))
}

// pi starts the stand-in for the Raspberry Pi: it answers as bach.local, with
// the host key found on the card, and lets the user's key in.
func (w *world) pi(card string) {
	w.t.Helper()
	root, _ := filepath.Abs("../..")
	key := filepath.Join(w.dir, fmt.Sprintf("hostkey%d", w.cards))
	w.must("mcopy", "-i", card+"@@8M", "-n", "::/piwiz/ssh_host_ed25519_key", key)
	if err := os.Chmod(key, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if conf := w.must("mtype", "-i", card+"@@8M", "::/piwiz/wireless.conf"); !regexp.MustCompile(`^net_[0-9a-f]{16}=`).MatchString(conf) {
		w.t.Errorf("the Wi-Fi secret is not on the card: %d bytes", len(conf))
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(root, ".ci/rig/pi"), w.pre+"pi", "bach", key, filepath.Join(w.dir, "home/.ssh/id_ed25519.pub"))
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
	})
}

// login verifies it: plain ssh, asking nothing, trusting only known_hosts.
func (w *world) login() {
	w.t.Helper()
	hosts := filepath.Join(w.dir, "home/.ssh/known_hosts")
	out := w.must("ip", "netns", "exec", w.pre+"pc", "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile="+hosts, "-o", "HostKeyAlias=bach.local", "-i", filepath.Join(w.dir, "home/.ssh/id_ed25519"),
		"root@10.77.0.10", "echo", "logged-in")
	if out != "logged-in" {
		w.t.Errorf("ssh printed %q", out)
	}
}

func (w *world) start(width, height int) *screen.Session {
	w.t.Helper()
	cmd := w.inside(w.piwiz, "--nixpkgs", "path:"+w.rig+"/nixpkgs")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "CI=")
	s, err := screen.Start(cmd, width, height)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// play waits for a text and then presses keys, line by line.
func play(t *testing.T, s *screen.Session, lines [][]string) {
	t.Helper()
	for _, l := range lines {
		if err := arrive(s, l[0], 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, k := range l[1:] {
			if text, ok := strings.CutPrefix(k, "type "); ok {
				s.Type(text)
			} else {
				s.Key(k)
			}
		}
	}
}

func TestFromTheFirstQuestionToALogin(t *testing.T) {
	w := newWorld(t)
	card := w.card()
	began := time.Now()
	processes := w.watchProcesses()
	s := w.start(100, 30)
	play(t, s, [][]string{
		{"Set up a new Raspberry Pi", "enter"},
		{"Press enter to go on", "enter"},
		{"Which Raspberry Pi?", "enter"},
		{"Name of the Raspberry Pi", "type bach", "enter"},
		{"Your user name", "enter"},
		{"Home Net", "enter"},
		{"Country", "enter"},
		{"me@laptop", "enter"},
		{"This is what will be built", "enter"},
		{"The image is ready", "enter"},
		{"The card you choose will be erased", "enter"},
		{"Type its name", "type sda", "enter"},
		{"Waiting for the Raspberry Pi"},
	})
	w.pi(card)
	play(t, s, [][]string{{"bach.local answers"}, {"The key is in"}})
	t.Logf("from the first page to the last: %.1f s", time.Since(began).Seconds())
	w.login()
	s.Key("enter")
	if code, err := s.Wait(10 * time.Second); err != nil || code != 0 {
		t.Errorf("the wizard ended with %d, %v", code, err)
	}
	if _, after, _ := bytes.Cut(s.Raw(), []byte("\x1b[?1049l")); !bytes.Contains(after, []byte("ssh -o HostKeyAlias=bach.local pi@10.77.0.10")) {
		t.Errorf("how to log in does not stay on the terminal: %q", after)
	}
	w.noSecretIn(card, processes())
}

// hostKeyOn reads the public host key from the firmware partition of a card.
func (w *world) hostKeyOn(card string) string {
	w.t.Helper()
	return w.must("mtype", "-i", card+"@@8M", "::/piwiz/ssh_host_ed25519_key.pub")
}

func TestADeadCardIsReplacedInFourKeypresses(t *testing.T) {
	w := newWorld(t)
	w.answers("bach")
	w.verb("build", filepath.Join(w.dir, "bach.toml"), "--nixpkgs", "path:"+w.rig+"/nixpkgs")
	first := w.card()
	w.verb("flash", "bach", "/dev/sda", "--yes")
	second := w.card()
	s := w.start(80, 24)
	play(t, s, [][]string{
		{"Replace the dead card of bach", "down", "enter"},
		{"The card you choose will be erased", "enter"},
		{"Type its name", "type sda", "enter"},
		{"Waiting for the Raspberry Pi"},
	})
	if a, b := w.hostKeyOn(first), w.hostKeyOn(second); a != b || !strings.HasPrefix(a, "ssh-ed25519 ") {
		t.Errorf("the host keys differ:\n%s\n%s", a, b)
	}
	w.pi(second)
	play(t, s, [][]string{{"bach.local answers"}, {"The key is in"}})
	w.login()
}

// fills wants the root partition to end with the card, and sfdisk, as NixOS calls it on
// the first start, to change nothing.
func (w *world) fills(card string) {
	w.t.Helper()
	table := func() string { return w.must("sfdisk", "-d", card) }
	was := table()
	var start, size int64
	root := was[strings.LastIndex(was, "start="):]
	if _, err := fmt.Sscanf(root, "start=%d, size=%d", &start, &size); err != nil || start+size != 512<<20/512 {
		w.t.Errorf("%v: the root partition does not end with the card:\n%s", err, was)
	}
	w.must("sh", "-c", "echo ',+,' | sfdisk -q -N2 --no-reread --force "+card)
	if now := table(); now != was {
		w.t.Errorf("sfdisk changed\n%s to\n%s", was, now)
	}
}

// answers writes a host.toml as a person would.
func (w *world) answers(name string) {
	w.t.Helper()
	key := w.must("cat", filepath.Join(w.dir, "home/.ssh/id_ed25519.pub"))
	w.write(name+".toml", fmt.Sprintf("name = %q\nboard = \"4\"\ncountry = \"DE\"\nuser = \"alice\"\nkeys = [%q]\n[[networks]]\nssid = \"Home Net\"\nsecurity = \"wpa2\"\n", name, key))
}

func TestTheVerbsDoTheSameWithoutTheWizard(t *testing.T) {
	w := newWorld(t)
	card := w.card()
	w.answers("bach")
	file := filepath.Join(w.dir, "bach.toml")
	nixpkgs := "path:" + w.rig + "/nixpkgs"
	began := time.Now()
	processes := w.watchProcesses()
	w.verb("check")
	if out := w.verb("render", file); !strings.Contains(out, `networking.hostName = "bach"`) {
		t.Errorf("render printed\n%s", out)
	}
	if out := w.verb("build", file, "--nixpkgs", nixpkgs, "--json"); !strings.Contains(out, `"event":"image"`) {
		t.Errorf("build printed\n%s", out)
	}
	if out := w.verb("hosts"); !strings.Contains(out, "bach") {
		t.Errorf("hosts printed\n%s", out)
	}
	if out := w.verb("cards"); !strings.Contains(out, "/dev/sda") {
		t.Errorf("cards printed\n%s", out)
	}
	w.verb("flash", "bach", "/dev/sda", "--yes", "--json")
	w.fills(card)
	w.pi(card)
	w.verb("wait", "bach", "--limit", "1m")
	t.Logf("by verbs alone: %.1f s", time.Since(began).Seconds())
	w.login()
	w.noSecretIn(card, processes())
}
