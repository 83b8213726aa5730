package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/cmd/piwiz/engine"
	"piwiz/nixgen/emulate"
	"piwiz/nixgen/hostfile"
	"piwiz/tui"
)

var _ tui.Grant = (*engine.EmulatorGrant)(nil)

// The test program is also the ordinary half: caller PIWIZ has the emulator
// registered, says so, and holds it until its input ends; caller PIWIZ CMD...
// holds it while the command runs; caller alone says what it sees.
func init() {
	if os.Getenv("PIWIZ_TEST_EMULATE") == "" {
		return
	}
	if len(os.Args) == 1 {
		notes, err := emulate.Inspect(context.Background())
		fmt.Println(notes)
		os.Exit((&program{}).end(err))
	}
	r := engine.With(hostfile.Store{}).GrantEmulator()
	r.Self = os.Args[1]
	r.SetStdout(os.Stderr)
	r.SetStderr(os.Stderr)
	fmt.Println("command:", r.Command())
	if err := r.Run(); err != nil {
		os.Exit((&program{}).end(err))
	}
	fmt.Println("running")
	var err error
	if len(os.Args) > 2 {
		cmd := exec.Command(os.Args[2], os.Args[3:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		err = cmd.Run()
	} else {
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	os.Exit((&program{}).end(errors.Join(err, r.Close())))
}

func TestEmulationInANamespaceOfItsOwn(t *testing.T) {
	piwiz := realPiwiz(t, "needs root, sudo, QEMU and Linux 6.7")
	for _, c := range []struct {
		name string
		test func(*testing.T, *room)
	}{
		{"each state of the table is told apart", tellsStates},
		{"piwiz registers the emulator for as long as it runs", registersForItself},
		{"the wizard registers it for as long as it runs", wizardRegisters},
		{"the emulator goes however piwiz ends", goesHoweverItEnds},
		{"what a killed privileged half left is found and taken over", cleansLeftOvers},
		{"what is registered already is left alone", leavesOthersAlone},
		{"only the entry that was made is removed", removesOnlyItsOwn},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newRoom(t, piwiz)) })
	}
}

func tellsStates(t *testing.T, r *room) {
	says := func(state string, words ...string) {
		t.Helper()
		code, said := r.look()
		for _, w := range words {
			if !strings.Contains(said, w) {
				t.Errorf("%s: does not say %q:\n%s", state, w, said)
			}
		}
		if len(words) == 0 && (code != 0 || said != "[]\n") {
			t.Errorf("%s: complains:\n%s", state, said)
		}
	}
	remove := func(name string) { r.root("echo -1 > " + binfmt + "/" + name) }
	says("not mounted", "(binfmt_misc) is not mounted", "sudo mount -t binfmt_misc")
	r.table(strings.Split(others, "\n")...)
	says("nothing registered", "no emulator is registered", "sudo apt-get install qemu-user-static")
	r.table(":qemu-aarch64:M::" + header + ":/usr/libexec/qemu-binfmt/aarch64-binfmt-P:POF")
	says("as Debian does it")
	r.root("echo 0 > " + binfmt + "/qemu-aarch64")
	says("disabled", "the emulator qemu-aarch64 is switched off", "sudo sysctl fs/binfmt_misc/qemu-aarch64=1")
	r.root("echo 1 > " + binfmt + "/qemu-aarch64; echo 0 > " + binfmt + "/status")
	says("all disabled", "all emulators are switched off", "sudo sysctl fs/binfmt_misc/status=1")
	r.root("echo 1 > " + binfmt + "/status")
	r.table(":newer:M::" + header + ":/nonexistent/qemu:P")
	says("two entries, the newer without its file", "newer is registered, but there is no /nonexistent/qemu")
	remove("newer")
	says("the older again")
	remove("qemu-aarch64")
	r.table(":anything:M::" + header + ":" + static + ":P")
	says("without F", "not inside Nix's sandbox or a chroot: the emulator anything", "sudo sysctl fs/binfmt_misc/anything=-1")
	remove("anything")
	r.table(":qemu-aarch64:M::" + header + ":" + static + ":F")
	says("without P", "[The emulator qemu-aarch64 is registered without the flag P")
	if f := r.check(); f.State != "ok" || !strings.Contains(f.What, "without the flag P") {
		t.Errorf("without P: %+v", f)
	}
	remove("qemu-aarch64")
	r.root("mkdir /run/binfmt && ln -s " + static + " /run/binfmt/aarch64-linux")
	r.table(":aarch64-linux:M::" + header + ":/run/binfmt/aarch64-linux:P")
	says("as NixOS does it")
	remove("aarch64-linux")
	r.root(`printf '#!/bin/sh\n[ "$1" != --version ] || { echo "qemu-aarch64 version 4.2.1 (Debian 1:4.2-3)"; exit; }\nexec ` + static + ` "$@"\n' > /run/old && chmod 755 /run/old`)
	r.table(":qemu-aarch64:M::" + header + ":/run/old:")
	says("an old QEMU", "QEMU 4, under which builds fail at random because memory cannot be allocated")
	remove("qemu-aarch64")
	r.root("echo nonsense > /run/nonsense && chmod 755 /run/nonsense")
	for _, file := range []string{"/run/nonsense", "/etc/passwd"} {
		r.table(":qemu-aarch64:M::" + header + ":" + file + ":")
		says("an emulator that is no program", "the emulator qemu-aarch64 ("+file+") does not work", "sudo sysctl fs/binfmt_misc/qemu-aarch64=-1")
		remove("qemu-aarch64")
	}
	r.table(":piwiz-aarch64:M::" + header + ":" + static + ":POF")
	says("left over", "A piwiz that was killed left its emulator registered", "sudo sysctl fs/binfmt_misc/piwiz-aarch64=-1")
	r.table(":qemu-aarch64:M::" + header + ":" + static + ":POF")
	says("left over below another one", "A piwiz that was killed left its emulator registered")
}

func registersForItself(t *testing.T, r *room) {
	h := r.registered() // it mounts the table first
	e := r.root("cat " + binfmt + "/piwiz-aarch64")
	if want := "enabled\ninterpreter " + static + "\nflags: POF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"; e != want {
		t.Errorf("registered:\n%s", e)
	}
	if code, said := r.look(); code != 0 || said != "[Another piwiz registered the emulator and removes it when it ends; wait for that.]\n" {
		t.Errorf("%d, %s", code, said)
	}
	code, said := h.end()
	expect(t, code, said, 0)
	if left := r.root("ls " + binfmt); left != "register\nstatus\n" {
		t.Errorf("left: %s", left)
	}
}

func goesHoweverItEnds(t *testing.T, r *room) {
	r.table(strings.Split(others, "\n")...)
	r.table(":older:M::" + header + ":/nonexistent/qemu:P")
	r.root("echo 0 > " + binfmt + "/older")
	before := r.shown()
	for name, end := range map[string]func(h *holder) error{
		"piwiz ends":                           func(h *holder) error { return h.in.Close() },
		"piwiz is killed":                      func(h *holder) error { return h.cmd.Process.Signal(unix.SIGKILL) },
		"sudo is killed":                       func(h *holder) error { return unix.Kill(parent(h.r.t, h.privileged()), unix.SIGKILL) },
		"piwiz is terminated":                  func(h *holder) error { return h.cmd.Process.Signal(unix.SIGTERM) },
		"the privileged half is terminated":    func(h *holder) error { return unix.Kill(h.privileged(), unix.SIGTERM) },
		"the privileged half is hung up":       func(h *holder) error { return unix.Kill(h.privileged(), unix.SIGHUP) },
		"the privileged half is interrupted":   func(h *holder) error { return unix.Kill(h.privileged(), unix.SIGINT) },
		"the privileged half is told to abort": func(h *holder) error { return unix.Kill(h.privileged(), unix.SIGQUIT) },
	} {
		t.Run(name, func(t *testing.T) {
			r := &room{t, r.dir, r.uid, r.caller, r.enter}
			h := r.registered()
			if now := r.shown(); now == before {
				t.Fatal("nothing was registered")
			}
			if err := end(h); err != nil {
				t.Fatal(err)
			}
			if name == "sudo is killed" {
				// The privileged half goes on until piwiz ends.
				code, said := h.end()
				expect(t, code, said, 0)
			}
			r.gone(before)
			if _, said := h.end(); strings.Contains(said, "left its emulator") {
				t.Error(said)
			}
			if _, said := r.look(); !strings.Contains(said, "switched off") {
				t.Errorf("afterwards:\n%s", said)
			}
		})
	}
}

func cleansLeftOvers(t *testing.T, r *room) {
	r.table(strings.Split(others, "\n")...)
	before := r.shown()
	h := r.registered()
	if err := unix.Kill(h.privileged(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	code, said := h.end()
	expect(t, code, said, 1, "left its emulator registered", "sudo sysctl fs/binfmt_misc/piwiz-aarch64=-1")
	f := r.check()
	if f.State != "warning" || !strings.Contains(f.What, "left its emulator registered") {
		t.Errorf("the next check says: %+v", f)
	}
	h = r.registered()
	if f := r.check(); f.State != "ok" {
		t.Errorf("while it is used again: %+v", f)
	}
	if err := unix.Kill(h.privileged(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.end()
	if out, err := r.as("sh", "-c", f.Command).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", f.Command, err, out)
	}
	r.gone(before)
}

func leavesOthersAlone(t *testing.T, r *room) {
	refused := func(words ...string) {
		t.Helper()
		before := r.shown()
		code, said := r.start().end()
		expect(t, code, said, 1, append(words, "no emulator was registered")...)
		if now := r.shown(); now != before {
			t.Errorf("the table was\n%s\nand is\n%s", before, now)
		}
	}
	r.table(":emu:M::" + header + ":" + static + ":P")
	refused("the emulator emu ("+static+") is there already", "piwiz check")
	r.root("echo 0 > " + binfmt + "/emu; echo 0 > " + binfmt + "/status")
	refused("all emulators are switched off")
	r.root("echo 1 > " + binfmt + "/status")
	r.table(":piwiz-aarch64:M::" + header + ":" + static + ":P")
	refused("an entry named piwiz-aarch64 that piwiz did not make")
	r.root("echo -1 > " + binfmt + "/piwiz-aarch64")
	before := r.shown()
	h := r.registered()
	refused("another piwiz has set one up")
	code, said := h.end()
	expect(t, code, said, 0)
	r.gone(before)
}

func removesOnlyItsOwn(t *testing.T, r *room) {
	r.table(strings.Split(others, "\n")...)
	before := r.shown()
	// systemd-binfmt clears the table when it is restarted.
	h := r.registered()
	r.root("echo -1 > " + binfmt + "/status")
	r.table(strings.Split(others, "\n")...)
	code, said := h.end()
	expect(t, code, said, 0)
	if now := r.shown(); now != before {
		t.Errorf("after a restart of systemd-binfmt:\n%s", now)
	}
	h = r.registered()
	r.root("echo -1 > " + binfmt + "/piwiz-aarch64")
	r.table(":piwiz-aarch64:M::" + header + ":" + static + ":POF")
	before = r.shown()
	h.end()
	if now := r.shown(); now != before {
		t.Errorf("another one's entry of the same name:\n%s", now)
	}
}

// killedBuild builds twice in a Nix of its own, without an emulator at first: the
// first piwiz is killed in the middle, the second builds to the end.
const killedBuild = `cd /
table() { ls -f /proc/sys/fs/binfmt_misc | sort | tr '\n' ' '; }
build() { exec "$W/piwiz" build bach --yes --emulate --nixpkgs "path:$RIG/nixpkgs" > "$W/$1" 2>&1; }
printf '%s' ':arm:M::\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00::/usr/bin/true:' > /proc/sys/fs/binfmt_misc/register
echo "before: $(table)"
(build first) & piwiz=$!
for i in $(seq 300); do
  ! grep -q 'LD      vmlinux' "$W/first" || break
  sleep 0.1
done
echo "in the middle: $(table)"
kill -9 $piwiz
wait $piwiz
for i in $(seq 50); do
  [ -e /proc/sys/fs/binfmt_misc/piwiz-aarch64 ] || break
  sleep 0.1
done
echo "after: $(table)"
rm "$CONFIG" && cp "$CONFIG.quick" "$CONFIG"
(build second); echo "code: $?"
echo "at the end: $(table)"
cat "$W/first" "$W/second"
`

func TestABuildThatIsKilledLeavesNoEmulator(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, Nix and QEMU: set PIWIZ_REAL=1 and see .ci/run")
	}
	d := &desk{t: t, dir: t.TempDir(), uid: "0"}
	if err := os.Mkdir(filepath.Join(d.dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.save()
	d.must("go", "build", "-o", filepath.Join(d.dir, "piwiz"), ".")
	config := filepath.Join(d.dir, "home/.local/share/piwiz/hosts/bach/flake/configuration.nix")
	d.must("cp", config, config+".quick")
	if err := os.WriteFile(config, []byte("{ fixture.fail = \"hang\"; }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// All that was started ends with the first process of the namespace.
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "--mount-proc",
		"../../.ci/rig/with-nix", os.Getenv("PIWIZ_RIG"), "sh", "-c", killedBuild)
	cmd.Env = append(os.Environ(), "WITHOUT_EMULATION=1", "W="+d.dir, "HOME="+d.dir+"/home", "RIG="+os.Getenv("PIWIZ_RIG"), "CONFIG="+config)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	expect(t, cmd.ProcessState.ExitCode(), string(out), 0,
		"Registering the emulator needs administrator rights: "+d.dir+"/piwiz grant emulation",
		"before: . .. arm register status \n", "in the middle: . .. arm piwiz-aarch64 register status \n",
		"after: . .. arm register status \n", "code: 0", "image: ", "at the end: . .. arm register status \n")
}

// Nix runs its builders in a sandbox that does not hold the emulator's file.
func TestNixBuildsThroughTheEmulatorThatPiwizRegistered(t *testing.T) {
	rig := os.Getenv("PIWIZ_RIG")
	piwiz := realPiwiz(t, "needs root, Nix and QEMU")
	expr := fmt.Sprintf(`(import %s/nixpkgs/pkgs { system = "aarch64-linux"; }).run "machine-%d" (builtins.toFile "m.sh" "uname -m; uname -m > $out") { }`, rig, time.Now().UnixNano())
	nix := []string{
		"nix", "--extra-experimental-features", "nix-command", "build", "--offline", "--impure", "--no-link", "--print-build-logs",
		"--print-out-paths", "--option", "extra-platforms", "aarch64-linux", "--option", "sandbox", "true", "--expr", expr,
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) (int, string) {
		cmd := exec.Command("../../.ci/rig/with-nix", append([]string{rig}, args...)...)
		cmd.Env = append(os.Environ(), "WITHOUT_EMULATION=1", "PIWIZ_TEST_EMULATE=yes", "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	code, said := inside(nix...)
	expect(t, code, said, 1, "Exec format error")
	code, said = inside(append([]string{self, piwiz}, nix...)...)
	expect(t, code, said, 0, "command: "+piwiz+" grant emulation", "> aarch64")
}
