package main

import (
	"errors"
	"fmt"
	"io"
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
	"piwiz/nixgen/hostfile"
	"piwiz/tui/screen"
)

// The test program is also the program of an ordinary user that asks the
// privileged half for what piwiz itself would never ask: caller PIWIZ open
// DEVICE IDENTITY, or caller PIWIZ wifi. What it got it holds until its input
// ends.
func init() {
	if os.Getenv("PIWIZ_TEST_CALLER") == "" {
		return
	}
	if os.Args[2] == "wifi" {
		g := engine.With(hostfile.Store{}).GrantNetworks()
		g.Self = os.Args[1]
		g.SetStderr(os.Stderr)
		err := g.Run()
		known, problems := g.Networks()
		for _, n := range known {
			fmt.Println("network:", n.SSID, n.Secret.Reveal())
		}
		fmt.Println(problems, err)
		os.Exit((&program{}).end(err))
	}
	id, err := disk.ParseIdentity(os.Args[4])
	if err != nil {
		panic(err)
	}
	also := strings.Join(os.Args[5:], "")
	g := engine.With(hostfile.Store{}).GrantCard(disk.Device{Soldered: also == "soldered", Any: also == "any-disk", Path: os.Args[3], DiskSeq: id.DiskSeq, Size: id.Size, Serial: id.Serial, Major: id.Major, Minor: id.Minor})
	g.Self = os.Args[1]
	g.SetStderr(os.Stderr)
	if err := g.Run(); err != nil {
		os.Exit((&program{}).end(err))
	}
	fmt.Println("opened by", os.Getuid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// ask is the command of such a caller.
func (d *desk) ask(args ...string) *exec.Cmd {
	return d.as(append([]string{"PIWIZ_TEST_CALLER=yes", filepath.Join(d.dir, "caller"), filepath.Join(d.dir, "piwiz")}, args...)...)
}

func expect(t *testing.T, code int, output string, want int, words ...string) {
	t.Helper()
	if code != want {
		t.Errorf("ended with %d, want %d", code, want)
	}
	for _, w := range words {
		if !strings.Contains(output, w) {
			t.Errorf("does not say %q", w)
		}
	}
	if t.Failed() {
		t.Logf("it said:\n%s", output)
	}
}

const (
	asksNothing  = "USER ALL=(ALL:ALL) NOPASSWD: ALL"
	asksPassword = "USER ALL=(ALL:ALL) ALL"
)

func TestAnOrdinaryUserAndThePrivilegedHalf(t *testing.T) {
	piwiz := realPiwiz(t, "needs root, sudo and loop devices")
	for _, c := range []struct {
		name, sudoers string
		test          func(*testing.T, *desk)
	}{
		{"a card is written through sudo", asksNothing, writesThroughSudo},
		{"a mounted card is unmounted first", asksNothing, unmountsFirst},
		{"a card with an open file is refused with the place and the program", asksNothing, refusesBusy},
		{"a card that another program writes is refused with its name", asksNothing, refusesWritten},
		{"of a card that is refused nothing is unmounted", asksNothing, unmountsAllOrNone},
		{"what is mounted over or in a card is never touched", asksNothing, leavesWhatCovers},
		{"a card that a container has mounted is refused with its name", asksNothing, refusesBusyElsewhere},
		{"the password is asked on the terminal", asksPassword, asksOnTheTerminal},
		{"the password is asked on a terminal of sudo's own", asksPassword + "\nDefaults use_pty", asksOnTheTerminal},
		{"a wrong password writes nothing", asksPassword, refusedBySudo},
		{"a user whom sudo does not know writes nothing", "root ALL=(ALL:ALL) ALL", refusedBySudo},
		{"a card exchanged while sudo asks is refused", asksPassword, refusesExchanged},
		{"soldered-in memory is written with --emmc, and the privileged half is told", asksNothing, writesSoldered},
		{"an SD Express card is written when it is named and confirmed twice", asksNothing, writesNamed},
		{"a card is found by every name it has, and what is none is told", asksNothing, findsByEveryName},
		{"a system disk is refused whatever the caller says", asksNothing, refusesSystemDisks},
		{"the ordinary user holds the card and its lock", asksNothing, userHoldsCard},
		{"nothing stays behind when piwiz is killed", asksNothing, killed},
		{"only a socket of the user is answered", asksNothing, onlyTheUsersSocket},
		{"a sudo that records its input is named", asksNothing + "\nDefaults log_input", recordedInput},
		{"Wi-Fi files of root are read and links are not followed", asksNothing, readsWifi},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newDesk(t, piwiz, c.sudoers)) })
	}
}

func writesThroughSudo(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0, "Opening the card needs administrator rights: sudo "+d.dir+"/piwiz grant open /dev/sda", "/dev/sda is written and verified")
	card.written()
	card.free()
}

func unmountsFirst(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mount /dev/sda1 /media/%s/CARD && mount --bind /media/%[1]s/CARD /media/else", d.user)
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0, "/dev/sda is written and verified")
	if table := d.root("cat /proc/self/mounts"); strings.Contains(table, "/dev/sda1") {
		t.Errorf("still mounted:\n%s", table)
	}
	card.written()
}

func refusesBusy(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mount /dev/sda1 /media/%s/CARD && echo letter > /media/%[1]s/CARD/letter && chmod 644 /media/%[1]s/CARD/letter", d.user)
	before := card.untouched()
	reader := d.as("sh", "-c", fmt.Sprintf("exec tail -f /media/%s/CARD/letter", d.user))
	stdout, err := reader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("letter\n"))); err != nil {
		t.Fatal(err)
	}
	code, out := d.run(d.flash()...)
	expect(t, code, out, 3, "/media/"+d.user+"/CARD", fmt.Sprintf("by tail (process %d)", reader.Process.Pid), "Close tail")
	if card.untouched() != before {
		t.Error("the card was written")
	}
	_, _ = reader.Process.Kill(), reader.Wait() // it never ends by itself
	code, out = d.run(d.flash()...)
	expect(t, code, out, 0)
	card.written()
}

func refusesBusyElsewhere(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	box := exec.Command(d.enter[0], append(d.enter[1:], "unshare", "--mount", "--propagation", "private", "sh", "-c", "mount /dev/sda1 /media/else && echo in && exec cat")...)
	in, err := box.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := box.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = in.Close(), box.Wait() }()
	if _, err := io.ReadFull(stdout, make([]byte, len("in\n"))); err != nil {
		t.Fatal(err)
	}
	code, out := d.run(d.flash()...)
	expect(t, code, out, 3, fmt.Sprintf("by cat (process %d)", box.Process.Pid))
	if card.untouched() != before {
		t.Error("the card was written")
	}
}

// lives starts a command of root that says "in" when it is where it should be,
// and lives until the end of the test or until it is ended.
func (d *desk) lives(line string) (pid int, end func()) {
	d.t.Helper()
	cmd := exec.Command(d.enter[0], append(d.enter[1:], "sh", "-c", line)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	ended := false
	end = func() {
		if !ended {
			_, _ = in.Close(), cmd.Wait()
		}
		ended = true
	}
	d.t.Cleanup(end)
	if _, err := io.ReadFull(out, make([]byte, len("in\n"))); err != nil {
		d.t.Fatal(err)
	}
	return cmd.Process.Pid, end
}

// O_EXCL keeps away nobody who does not ask for it himself: dd does not.
func refusesWritten(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	d.root("mknod /run/other b $(stat -c '0x%%t 0x%%T' /dev/sda)")
	for _, node := range []string{"/dev/sda", "/dev/sda1", "/run/other"} {
		pid, end := d.lives("exec 3<> " + node + "; echo in; exec cat")
		code, out := d.run(d.flash()...)
		expect(t, code, out, 3, fmt.Sprintf("Another program has it open for writing: cat (process %d)", pid), fmt.Sprintf("kill %d", pid))
		end()
	}
	if card.untouched() != before {
		t.Error("the card was written")
	}
	d.lives("exec 3< /dev/sda; echo in; exec cat") // reads only
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0)
	card.written()
}

// mounts are those of the cards, and all below /media. Others on this machine mount
// and unmount at the same time.
func (d *desk) mounts() string {
	return d.root("awk '$3 != \"nsfs\" && ($1 ~ \"^/dev/sd\" || $2 ~ \"^/media\")' /proc/self/mounts")
}

func unmountsAllOrNone(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mount /dev/sda1 /media/%s/CARD && mount --bind /media/%[1]s/CARD /media/else && cp /bin/cat /media/else/cat", d.user)
	table := d.mounts()
	for at, line := range map[string]string{
		"/media/else": "cd /media/else; echo in; exec cat", "/media/" + d.user + "/CARD": "exec < /media/" + d.user + "/CARD/cat; echo in; exec sleep 60",
		"a program": "echo in; exec /media/else/cat",
	} {
		pid, end := d.lives(line)
		code, out := d.run(d.flash()...)
		expect(t, code, out, 3, "It is in use at ", fmt.Sprintf("(process %d)", pid))
		if now := d.mounts(); now != table {
			t.Errorf("%s: mounted before\n%s\nand after\n%s", at, table, now)
		}
		if strings.Contains(line, "sleep") {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		end()
	}
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0)
	card.written()
}

func leavesWhatCovers(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.medium("sdb", "usb")
	before := card.untouched()
	for name, line := range map[string]string{
		"over it":                 "mount /dev/sdb1 /media/else",
		"in a folder":             "mkdir -p /media/else/a/b && mount /dev/sdb1 /media/else/a/b",
		"over the folder above":   "mount -t tmpfs none /media",
		"the same path over it":   "mount -t tmpfs none /media && mkdir /media/else && mount /dev/sdb1 /media/else",
		"a folder of this system": "mkdir -p /media/else/x && mount --bind /run /media/else/x",
	} {
		t.Run(name, func(t *testing.T) {
			d.root("mount /dev/sda1 /media/else && %s", line)
			table := d.mounts()
			id := card.device().Identity().String()
			code, out := d.run(d.flash()...)
			expect(t, code, out, 3, "Something else is mounted over or in its files, at /media", "unmount that first")
			code, out = d.end(d.ask("open", "/dev/sda", id))
			expect(t, code, out, 3, "Something else is mounted over or in its files, at /media")
			if now := d.mounts(); now != table {
				t.Errorf("mounted before\n%s\nand after\n%s", table, now)
			}
			d.root("while umount /dev/sdb1 2> /dev/null; do :; done; umount /media/else/x 2> /dev/null; while findmnt /dev/sda1 > /dev/null; do umount /media/else 2> /dev/null || umount /media; done; [ -d /media/else ]")
		})
	}
	if card.untouched() != before {
		t.Error("the card was written")
	}
}

// terminal starts a command of the user on a terminal and waits for a question.
func (d *desk) terminal(question string, args ...string) *screen.Session {
	d.t.Helper()
	s, err := screen.Start(d.as(args...), 160, 40)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.Close)
	if err := s.WaitFor(question, 30*time.Second); err != nil {
		d.t.Fatalf("%v\n%s", err, s.Raw())
	}
	return s
}

// answer types a password when it is asked for, and waits for the end.
func (d *desk) answer(s *screen.Session, text string) (code int, output string) {
	d.t.Helper()
	if err := s.WaitUnseen(30 * time.Second); err != nil {
		d.t.Fatal(err)
	}
	if err := errors.Join(s.Type(text), s.Key("enter")); err != nil {
		d.t.Fatal(err)
	}
	code, err := s.Wait(time.Minute)
	if err != nil {
		d.t.Fatal(err)
	}
	return code, strings.ReplaceAll(string(s.Raw()), "\r\n", "\n")
}

func asksOnTheTerminal(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	code, out := d.answer(d.terminal("password for "+d.user, d.flash()...), password)
	expect(t, code, out, 0, "/dev/sda is written and verified")
	if strings.Contains(out, password) {
		t.Error("the password was shown")
	}
	card.written()
	card.free()
}

func refusedBySudo(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	code, out := d.answer(d.terminal("password for "+d.user, d.flash()...), "wrong")
	expect(t, code, out, 1, "administrator rights were not given; nothing was changed", "Try again with the password")
	code, out = d.run(d.flash()...) // without a terminal nobody can type one
	expect(t, code, out, 1, "administrator rights were not given; nothing was changed")
	if card.untouched() != before {
		t.Error("the card was written")
	}
	card.free()
}

func refusesExchanged(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	for _, c := range []struct {
		name, word string
		exchange   func()
	}{
		{"another one of the same size", "taken out or swapped", func() {
			card.anotherIn()
			card.tell()
		}},
		{"another one that only the disk itself tells of", "taken out or swapped", card.anotherIn},
		{"a smaller one", "it had 32.0 MiB, now it has 16.0 MiB", func() { card.fact("size", "32768") }},
		{"another serial number", "serial number", func() { card.fact("device/serial", "0xBEEF") }},
		{"another disk of that name", "belongs to another disk", func() { card.fact("dev", "7:250") }},
		{"an empty slot", "no card in this slot", func() { card.fact("size", "0") }},
		{"a card that is locked now", "locked", func() { card.fact("ro", "1") }},
		{"a device that is gone", "was taken out", func() {
			d.must("rm", card.node())
			d.must("mknod", card.node(), "b", "259", "1048000")
		}},
		{"a node that is gone", "was taken out", func() { d.must("rm", card.node()) }},
		{"a link in its place", "not a disk", func() {
			d.must("rm", card.node())
			d.must("ln", "-s", card.loop, card.node())
		}},
		{"a reader that was pulled", "was taken out", func() { d.must("rm", filepath.Join(d.dir, "sys/block/sda")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := card.untouched()
			s := d.terminal("password for "+d.user, d.flash()...)
			c.exchange()
			code, out := d.answer(s, password)
			expect(t, code, out, 3, "/dev/sda is not written.", c.word)
			if card.untouched() != before {
				t.Error("the card was written")
			}
			card.fact("ro", "0")
			card.fact("device/serial", "0xCAFE")
			card.tell()
			card.free()
		})
	}
}

// anotherIn puts another medium of the same size into the same reader.
func (m *medium) anotherIn() {
	m.d.t.Helper()
	m.d.must("delpart", m.loop, "1")
	m.d.must("losetup", "-d", m.loop)
	m.d.must("losetup", "--direct-io=on", m.loop, m.file)
	m.d.must("addpart", m.loop, "1", "2048", "32768")
}

func refusesSystemDisks(t *testing.T, d *desk) {
	good, wrong := d.medium("sda", "usb"), d.medium("sdb", "usb")
	d.medium("sdc", "sata")
	d.medium("mmcblk0", "emmc")
	d.medium("loop0", "loop")
	srv := d.medium("sdd", "usb")
	d.root("mkdir /run/srv && mount /dev/sdd1 /run/srv")
	held := d.medium("sde", "usb")
	d.must("mkdir", filepath.Join(held.sys, "sde1/holders/dm-0"))
	d.medium("nvme1n1", "nvme")
	d.root("mount /dev/nvme1n11 /boot")
	before := wrong.untouched()
	for _, c := range []struct{ path, identity, also, word string }{
		{"/dev/sdb", good.device().Identity().String(), "", "belongs to another disk"},
		{"/dev/sda", disk.Identity{Size: 33554432}.String(), "", "swapped"},
		{"/dev/sda1", good.device().Identity().String(), "", "not there"},
		{"/dev/../dev/sda", good.device().Identity().String(), "", "not a disk"},
		{"/dev/sdc", "", "", "a disk inside this computer"},
		{"/dev/mmcblk0", "", "", "built into this computer"},
		{"/dev/loop0", "", "", "not a real disk"},
		{"/dev/sdd", "", "", "This computer keeps files of its own on it (/run/srv)"},
		{"/dev/sde", "", "", "in use by another part of this computer (dm-0)"},
		{"/dev/loop0", "", "any-disk", "not a real disk"},
		{"/dev/sdd", "", "any-disk", "This computer keeps files of its own on it (/run/srv)"},
		{"/dev/sde", "", "any-disk", "in use by another part of this computer (dm-0)"},
		{"/dev/sdb", good.device().Identity().String(), "any-disk", "belongs to another disk"},
		{"/dev/sda1", good.device().Identity().String(), "any-disk", "not there"},
		{"/dev/nvme1n1", "", "any-disk", "This computer starts from it (/boot)"},
		{"/dev/nvme1n1", "", "soldered", "This computer starts from it (/boot)"},
	} {
		if c.identity == "" {
			name := filepath.Base(c.path)
			link, err := filepath.EvalSymlinks(filepath.Join(d.dir, "sys/block", name))
			if err != nil {
				t.Fatal(err)
			}
			c.identity = (&medium{d: d, name: name, sys: link}).device().Identity().String()
		}
		args := []string{"open", c.path, c.identity}
		if c.also != "" {
			args = append(args, c.also)
		}
		code, out := d.end(d.ask(args...))
		expect(t, code, out, 3, "is not written.", c.word)
	}
	if wrong.untouched() != before {
		t.Error("the card was written")
	}
	if table := d.root("cat /proc/self/mounts"); !strings.Contains(table, "/dev/sdd1 /run/srv") {
		t.Error("the file system of a disk that was refused was unmounted")
	}
	srv.d.root("umount /run/srv /boot")
}

func writesNamed(t *testing.T, d *desk) {
	card := d.medium("nvme1n1", "nvme")
	before := card.untouched()
	args := d.flash()
	args[3] = "/dev/nvme1n1"
	code, out := d.run(args...)
	expect(t, code, out, 3, "This is a disk inside this computer", "piwiz flash bach /dev/nvme1n1 --any-disk", "There is no card in this computer now")
	code, out = d.run(append(args, "--any-disk")...)
	expect(t, code, out, 3, "there is no terminal to confirm", "--yes does not replace them")
	for _, typed := range [][]string{{"yes"}, {"nvme1n1", "yes"}, {"erase"}, {""}} {
		code, out = d.types(append(args, "--any-disk"), typed...)
		expect(t, code, out, 3, "nothing was written")
	}
	if card.untouched() != before {
		t.Error("the disk was written")
	}
	code, out = d.types(append(args, "--any-disk"), "nvme1n1", "erase")
	expect(t, code, out, 0, "like an SD Express card", "/dev/nvme1n1 is written and verified")
	card.written()
}

// types runs a command of the user on a terminal and answers its questions.
func (d *desk) types(args []string, typed ...string) (code int, output string) {
	d.t.Helper()
	s, err := screen.Start(d.as(args...), 160, 40)
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	for i, word := range typed {
		if err := errors.Join(s.WaitFor([]string{"Type nvme1n1 to", "Type erase to"}[i], 30*time.Second), s.Type(word), s.Key("enter")); err != nil {
			d.t.Fatal(err)
		}
	}
	if code, err = s.Wait(time.Minute); err != nil {
		d.t.Fatal(err)
	}
	return code, strings.ReplaceAll(string(s.Raw()), "\r\n", "\n")
}

func findsByEveryName(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mkdir -p /dev/disk/by-id /dev/disk/by-label && ln -s ../../sda /dev/disk/by-id/usb-Generic && ln -s ../../sda1 /dev/disk/by-label/FIRMWARE && ln -s /dev/disk/by-id/usb-Generic %s/home/card", d.dir)
	args := d.flash()
	for typed, words := range map[string][]string{
		"/dev/sda1":                   {"/dev/sda1 is a partition of the disk /dev/sda", "piwiz flash bach /dev/sda"},
		"/dev/disk/by-label/FIRMWARE": {"is a partition of the disk /dev/sda", "piwiz flash bach /dev/sda"},
		"/dev/sdq":                    {"There is no /dev/sdq", "These cards can be written now: /dev/sda ("},
		d.dir + "/home/bach.img":      {"is a file, not a disk", "--image"},
		"/dev/null":                   {"a device, but not a disk", "These cards can be written now"},
	} {
		args[3] = typed
		code, out := d.run(args...)
		expect(t, code, out, 3, words...)
	}
	for _, typed := range []string{"/dev/disk/by-id/usb-Generic", d.dir + "/home/card", "/dev/../dev/sda", "sda"} {
		args[3] = typed
		code, out := d.run(args...)
		expect(t, code, out, 0, "/dev/sda is written and verified")
	}
	card.written()
}

func writesSoldered(t *testing.T, d *desk) {
	memory := d.medium("mmcblk0", "emmc")
	before := memory.untouched()
	args := d.flash()
	args[3] = "/dev/mmcblk0"
	code, out := d.run(args...)
	expect(t, code, out, 3, "/dev/mmcblk0 is not written: This memory is built into this computer")
	if memory.untouched() != before {
		t.Error("the memory was written")
	}
	code, out = d.run(append(args, "--emmc")...)
	expect(t, code, out, 0, "/dev/mmcblk0 is written and verified", "soldered")
	memory.written()
	d.root("mkdir -p /run/srv && mount /dev/mmcblk01 /run/srv || { mkfs.ext4 -q /dev/mmcblk01 && mount /dev/mmcblk01 /run/srv; }")
	code, out = d.end(d.ask("open", "/dev/mmcblk0", memory.device().Identity().String(), "soldered"))
	expect(t, code, out, 3, "This computer keeps files of its own on it (/run/srv)")
	d.root("umount /run/srv")
}

// holding starts a caller that got the card and holds it.
func (m *medium) holding() (caller *exec.Cmd, letGo func()) {
	m.d.t.Helper()
	caller = m.d.ask("open", "/dev/"+m.name, m.device().Identity().String())
	in, err := caller.StdinPipe()
	if err != nil {
		m.d.t.Fatal(err)
	}
	out, err := caller.StdoutPipe()
	if err != nil {
		m.d.t.Fatal(err)
	}
	caller.Stderr = os.Stderr
	if err := caller.Start(); err != nil {
		m.d.t.Fatal(err)
	}
	want := "opened by " + m.d.uid + "\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(out, got); err != nil || string(got) != want {
		m.d.t.Fatalf("%q, %v", got, err)
	}
	letGo = func() { _, _ = in.Close(), caller.Wait() }
	m.d.t.Cleanup(letGo)
	return caller, letGo
}

// holders are the processes that have the card open, by their user.
func (m *medium) holders() map[int]uint32 {
	m.d.t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		m.d.t.Fatal(err)
	}
	want := m.device()
	out := map[int]uint32{}
	for _, l := range links {
		if target, err := os.Readlink(l); err != nil || target != "/dev/"+m.name {
			continue
		}
		var st, process unix.Stat_t
		folder := filepath.Dir(filepath.Dir(l))
		if unix.Stat(l, &st) != nil || unix.Stat(folder, &process) != nil || unix.Major(st.Rdev) != want.Major || unix.Minor(st.Rdev) != want.Minor {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(folder)) // the pattern has digits only
		out[pid] = process.Uid
	}
	return out
}

func userHoldsCard(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	_, letGo := card.holding()
	root, part := 0, 0
	for pid, uid := range card.holders() {
		switch {
		case uid == 0 && root == 0:
			root = pid
		case fmt.Sprint(uid) == d.uid && part == 0:
			part = pid // the one that asks the card
		default:
			t.Errorf("process %d of user %d holds the card too", pid, uid)
		}
	}
	if root == 0 {
		t.Fatal("the privileged half does not hold the card")
	}
	code, out := d.run(d.flash()...)
	expect(t, code, out, 3, "It is in use by", fmt.Sprintf("(process %d)", part))
	// The lock and the sole use are the descriptor's: they outlive the
	// privileged half.
	if err := unix.Kill(root, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for i := 0; len(card.holders()) > 1; i++ {
		if i == 50 {
			t.Fatal("the privileged half does not end")
		}
		time.Sleep(100 * time.Millisecond)
	}
	if fd, err := unix.Open(card.node(), unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0); !errors.Is(err, unix.EBUSY) {
		_ = unix.Close(fd)
		t.Errorf("a second program may have the card for itself: %v", err)
	}
	fd, err := unix.Open(card.node(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("udev may probe the card: %v", err)
	}
	_ = unix.Close(fd)
	letGo()
	card.free()
}

func killed(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	caller, letGo := card.holding()
	if err := caller.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	letGo()
	card.free()
	if left := card.holders(); len(left) > 0 {
		t.Errorf("still open in %v", left)
	}
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0)
	card.written()
}

func onlyTheUsersSocket(t *testing.T, d *desk) {
	d.root("printf '[Security]\nPassphrase=sesame sesame\n' > '/var/lib/iwd/Home.psk'")
	piwiz := filepath.Join(d.dir, "piwiz")
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	of := func(stdin *os.File, args ...string) (int, string) {
		cmd := d.as(args...)
		if stdin != nil {
			cmd.Stdin = stdin
		}
		return d.end(cmd)
	}
	code, out := of(theirs, "sudo", piwiz, "grant", "wifi")
	expect(t, code, out, 2, "program of another user", "run piwiz instead")
	_ = theirs.Close()
	if b, err := io.ReadAll(ours); len(b) > 0 {
		t.Errorf("another user was told %d bytes, %v", len(b), err)
	}
	for _, args := range [][]string{{"wifi"}, {"open", "/dev/sda", "{}"}} {
		code, out = of(nil, append([]string{"sudo", piwiz, "grant"}, args...)...)
		expect(t, code, out, 2, "not a connection to piwiz", "run piwiz instead")
		code, out = of(nil, append([]string{piwiz, "grant"}, args...)...)
		expect(t, code, out, 2, "internal command that needs administrator rights", "run piwiz instead")
	}
	for _, args := range [][]string{{}, {"--help"}, {"open"}, {"open", "/dev/sda"}, {"wifi", "/etc"}, {"sh", "-c", "id"}} {
		for _, by := range [][]string{{"sudo", piwiz, "grant"}, {piwiz, "grant"}} {
			code, out = of(nil, append(by, args...)...)
			expect(t, code, out, 2, "run piwiz instead")
		}
	}
}

func recordedInput(t *testing.T, d *desk) {
	d.medium("sda", "usb")
	code, out := d.run(d.flash()...)
	expect(t, code, out, 1, "sudo does not connect the program it starts to piwiz; nothing was changed", "log_input")
}

func readsWifi(t *testing.T, d *desk) {
	d.root(`cd /var/lib/iwd
printf '[Security]\nPassphrase=sesame sesame\n' > Home.psk
printf '' > Cafe.open
printf 'x' > secret.txt
printf '[Security]\nPassphrase=not for you\n' > Mine.psk
chmod 600 *
chown %s Mine.psk
ln -s /etc/shadow x.psk
ln /etc/shadow y.psk 2> /dev/null || { cp /etc/shadow z && ln z y.psk; }
rm -rf /etc/NetworkManager && mkdir -p /etc/NetworkManager/system-connections && cd /etc/NetworkManager/system-connections
profile() { printf '[connection]\nid=x\ntype=%%s\npermissions=%%s\n[wifi]\nssid=%%s\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=sesame sesame\n' "$1" "$2" "$3"; }
profile wifi '' Office > office.nmconnection
profile wifi 'user:%s:;' Ours > ours.nmconnection
profile wifi 'user:somebody:;' Theirs > theirs.nmconnection
profile vpn '' Tunnel > tunnel.nmconnection
ln -s office.nmconnection link.nmconnection
chmod 600 *.nmconnection`, d.uid, d.user)
	code, out := d.end(d.ask("wifi"))
	expect(t, code, out, 0, "network: Home ", "network: Cafe", "network: Office ", "network: Ours ", "link.nmconnection: it is a link", "x.psk: it is a link", "y.psk: it is not the administrator's own file", "Mine.psk: it is not the administrator's own file")
	if strings.Contains(out, "$6$") || strings.Contains(out, "root:") || strings.Contains(out, "sesame") || strings.Contains(out, "not for you") || strings.Contains(out, "Theirs") || strings.Contains(out, "Tunnel") {
		t.Error("what is nobody's business was read")
	}
	d.root("rm -r /etc/NetworkManager /var/lib/iwd && ln -s /etc /var/lib/iwd")
	code, out = d.end(d.ask("wifi"))
	expect(t, code, out, 1, "/var/lib/iwd")
	d.root("rm /var/lib/iwd")
	code, out = d.end(d.ask("wifi"))
	expect(t, code, out, 1, "type the name and password of your Wi-Fi")
}
