package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// room is a computer of its own as far as emulation goes: a user namespace
// with its own table of emulators, and an ordinary user who may use sudo.
type room struct {
	t                *testing.T
	dir, uid, caller string
	enter            []string // runs a command in the room, as root
}

const (
	binfmt = "/proc/sys/fs/binfmt_misc"
	static = "/usr/bin/qemu-aarch64-static"
	header = `\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
	// others are two entries that are nobody's business.
	others = `:python9:M::\xa7\x0d\x0d\x0a::/usr/bin/env:` + "\n" + `:arm:M::\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00::/usr/bin/qemu-arm-static:POF`
)

const roomSetup = `set -e
mount -t tmpfs -o mode=755 none "$W/etc"
cp -a /etc/. "$W/etc/"
mount --bind "$W/etc" /etc
echo "walter:x:$I:$I::$W/home:/bin/sh" >> /etc/passwd
echo "walter:*:19000:0:99999:7:::" >> /etc/shadow
echo "walter:x:$I:" >> /etc/group
rm -f /etc/sudoers.d/* /etc/sudoers
printf 'Defaults !fqdn, !lecture, use_pty\nwalter ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers
chmod 440 /etc/sudoers
mount -t tmpfs -o mode=755 none /run
mkdir /run/sudo
echo ready
exec cat
`

func newRoom(t *testing.T, piwiz string) *room {
	t.Helper()
	r := &room{t: t, dir: t.TempDir(), uid: fmt.Sprint(20000 + os.Getpid()%4000)}
	for _, name := range []string{"home", "etc"} {
		if err := os.Mkdir(filepath.Join(r.dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for dir := r.dir; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.caller = filepath.Join(r.dir, "caller")
	for from, to := range map[string]string{piwiz: "piwiz", self: "caller"} {
		if out, err := exec.Command("cp", from, filepath.Join(r.dir, to)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := os.Chmod(filepath.Join(r.dir, "home"), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "mount --make-rprivate / && "+roomSetup)
	everybody := []syscall.SysProcIDMap{{Size: 65536}}
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, UidMappings: everybody, GidMappings: everybody, GidMappingsEnableSetgroups: true,
	}
	cmd.Env = append(os.Environ(), "W="+r.dir, "I="+r.uid)
	cmd.Stderr = os.Stderr
	stay(t, cmd)
	ns := fmt.Sprintf("/proc/%d/ns/", cmd.Process.Pid)
	r.enter = []string{"nsenter", "--user=" + ns + "user", "--mount=" + ns + "mnt", "--"}
	return r
}

// root runs a shell line as the room's root.
func (r *room) root(line string) string {
	r.t.Helper()
	out, err := exec.Command(r.enter[0], append(r.enter[1:len(r.enter):len(r.enter)], "sh", "-c", line)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// table mounts the table and registers lines.
func (r *room) table(lines ...string) {
	r.t.Helper()
	r.root("mountpoint -q " + binfmt + " || mount -t binfmt_misc binfmt_misc " + binfmt)
	for _, l := range lines {
		r.root("printf '%s' '" + l + "' > " + binfmt + "/register")
	}
}

// shown is every entry, byte for byte. One may go while it is read.
func (r *room) shown() string {
	r.t.Helper()
	return r.root("cd " + binfmt + " && ls -fU && tail -n +1 [!r]* 2>&1 || true")
}

// as is a command of the ordinary user.
func (r *room) as(args ...string) *exec.Cmd {
	args = append(append(r.enter[1:len(r.enter):len(r.enter)], "setpriv", "--reuid", r.uid, "--regid", r.uid, "--clear-groups",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME="+r.dir+"/home"), args...)
	cmd := exec.Command(r.enter[0], args...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	return cmd
}

// check is what piwiz check finds out about emulation, and the command that it
// would run.
func (r *room) check() (f struct{ Name, State, What, Command string }) {
	r.t.Helper()
	out, _ := r.as(filepath.Join(r.dir, "piwiz"), "check", "--builder", "local", "--json").Output() // other things are missing in the room
	for line := range strings.Lines(string(out)) {
		if err := json.Unmarshal([]byte(line), &f); err == nil && f.Name == "emulation" {
			return f
		}
	}
	r.t.Fatalf("check said nothing about emulation:\n%s", out)
	return f
}

// look is what the engine says: its notes, the problem and what to do.
func (r *room) look() (code int, said string) {
	r.t.Helper()
	cmd := r.as("PIWIZ_TEST_EMULATE=yes", r.caller)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// holder is an ordinary half that has the emulator registered.
type holder struct {
	r    *room
	cmd  *exec.Cmd
	in   io.Closer
	out  *bufio.Reader
	said strings.Builder
}

func (r *room) start() *holder {
	r.t.Helper()
	h := &holder{r: r, cmd: r.as("PIWIZ_TEST_EMULATE=yes", r.caller, filepath.Join(r.dir, "piwiz"))}
	h.cmd.Stderr = &h.said
	in, err := h.cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	h.in, h.out = in, bufio.NewReader(out)
	r.t.Cleanup(func() { _ = in.Close() })
	want := "command: sudo " + r.dir + "/piwiz grant emulation\n"
	if line, err := h.out.ReadString('\n'); line != want {
		r.t.Fatalf("%q, %v, want %q", line, err, want)
	}
	return h
}

// registered is a holder that got what it wanted.
func (r *room) registered() *holder {
	r.t.Helper()
	h := r.start()
	if line, err := h.out.ReadString('\n'); line != "running\n" {
		_, _ = h.in.Close(), h.cmd.Wait()
		r.t.Fatalf("%q, %v\n%s", line, err, &h.said)
	}
	return h
}

// end lets the holder go and returns its exit code and what it said.
func (h *holder) end() (int, string) {
	h.r.t.Helper()
	_, _ = h.in.Close(), h.cmd.Wait()
	return h.cmd.ProcessState.ExitCode(), h.said.String()
}

// privileged is the process of the privileged half: root's piwiz.
func (h *holder) privileged() int {
	h.r.t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		h.r.t.Fatal(err)
	}
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && target == filepath.Join(h.r.dir, "piwiz") {
			pid := 0
			if _, err := fmt.Sscanf(l, "/proc/%d/exe", &pid); err == nil {
				return pid
			}
		}
	}
	h.r.t.Fatal("there is no privileged half")
	return 0
}

// parent is the process that started another.
func parent(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nPPid:")
	up := 0
	if _, err := fmt.Sscan(after, &up); err != nil || up < 2 {
		t.Fatalf("the parent is %d, %v", up, err)
	}
	return up
}

// gone waits until the table is as it was.
func (r *room) gone(before string) {
	r.t.Helper()
	now := ""
	for range 50 {
		if now = r.shown(); now == before {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.t.Errorf("the table was\n%s\nand is\n%s", before, now)
}
