package allowed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/osrelease"
)

// asked is what In says on a computer that is spoiled, and env for it.
func asked(t *testing.T, how, dir string, env ...string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), "PIWIZ_SPOIL="+how, "PIWIZ_DIR="+dir), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && (os.Getenv("PIWIZ_REAL") == "1" || !strings.HasPrefix(string(out), "spoil: ")) {
		t.Fatalf("%s: %v\n%s", how, err, out)
	}
	if err != nil {
		t.Skipf("this computer cannot be made one with %s: %s", how, out)
	}
	return strings.ReplaceAll(string(out), dir, "DIR")
}

// needsNamespaces skips where there are none to try this in.
func needsNamespaces(t *testing.T) {
	t.Helper()
	if err := try(t.Context(), t.TempDir(), true); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs user namespaces, and Linux 6.7: ", err)
	}
}

var folderHint = fmt.Sprintf("- Choose another folder: piwiz --own-nix-dir /var/tmp/piwiz-%d/nix\n", 0)

const machineHint = "- Or let another computer with Nix build: piwiz --builder ssh://USER@HOST\n"

// Each of them is so, and the kernel says it.
func TestWhatRefusesForReal(t *testing.T) {
	needsNamespaces(t)
	for how, want := range map[string]string{
		"nothing":            "allowed\n",
		"tmpfs":              "allowed\n",
		"tmpfs nosuid,nodev": "allowed\n",
		"limit max_user_namespaces": "The kernel allows no namespaces (user.max_user_namespaces is 0).\n" +
			"- Allow them until the next start: sudo sysctl user.max_user_namespaces=15000\n" +
			"- To keep it: echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/90-piwiz.conf\n" + machineHint,
		"limit max_net_namespaces": "The kernel allows no namespaces (user.max_net_namespaces is 0).\n" +
			"- Allow them until the next start: sudo sysctl user.max_net_namespaces=15000\n" +
			"- To keep it: echo user.max_net_namespaces=15000 | sudo tee /etc/sysctl.d/90-piwiz.conf\n" + machineHint,
		"limit max_mnt_namespaces": "The kernel allows no namespaces (user.max_mnt_namespaces is 0).\n" +
			"- Allow them until the next start: sudo sysctl user.max_mnt_namespaces=15000\n" +
			"- To keep it: echo user.max_mnt_namespaces=15000 | sudo tee /etc/sysctl.d/90-piwiz.conf\n" + machineHint,
		"chroot":  "piwiz runs inside a container or a chroot that forbids namespaces.\n- Run piwiz outside of it.\n" + machineHint,
		"seccomp": "piwiz runs inside a container or a chroot that forbids namespaces.\n- Run piwiz outside of it.\n" + machineHint,
		"proc": "piwiz runs inside a container whose /proc is covered in part.\n" +
			"The sandbox of Nix needs a /proc of its own, which Linux allows only where all of it is visible.\n- Run piwiz outside of it.\n" + machineHint,
		"tmpfs noexec": "DIR/nix is on a file system that does not let programs run (noexec).\n" + folderHint,
		"tmpfs ro":     "DIR/nix is on a file system that is read-only.\n" + folderHint,
		"names 143": "DIR/nix is on a file system whose names may have only 143 characters.\n" +
			"An encrypted home folder is such a one. Names in the Nix store are longer.\n" + folderHint,
		"unwritable": "piwiz cannot use the folder for its own Nix: mkdir DIR/nix: no space left on device.\n" +
			"- That disk takes no more files, however small: remove some, then try again. See how many it has: df -i DIR\n" + folderHint,
	} {
		t.Run(how, func(t *testing.T) {
			if got := asked(t, how, t.TempDir()); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
}

// Those who ask at once make and remove the same folder.
func TestManyMayAskAtOnce(t *testing.T) {
	needsNamespaces(t)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				if _, err := In(t.Context(), filepath.Join(dir, "a/nix")); err != nil {
					t.Error(said(err))
				}
			}
		})
	}
	wg.Wait()
	// The last one leaves the folder when another has made it, but nothing in it.
	if left, _ := filepath.Glob(filepath.Join(dir, "a/nix/.*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Whoever has an emulator for the whole computer needs no table of their own.
func TestTheComputersEmulatorServesWhereThereCanBeNoTable(t *testing.T) {
	needsNamespaces(t)
	fail := fmt.Sprintf("PIWIZ_FAIL=%s=%d", namespace.Table, unix.EPERM)
	if got := asked(t, "table ", t.TempDir(), fail); !strings.HasPrefix(got, "Linux ") || !strings.Contains(got, " does not let piwiz emulate the Raspberry Pi's processor for itself alone; Linux 6.7 and later do.\nAn emulator that is installed for the whole computer serves as well.\n- ") || !strings.HasSuffix(got, "- Then try again.\n"+machineHint) {
		t.Errorf("no emulator: %s", got)
	}
	const qemu = "/usr/libexec/qemu-binfmt/aarch64-binfmt-P"
	if _, err := os.Stat(qemu); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs qemu-aarch64: apt-get install qemu-user-static")
	}
	if got := asked(t, "table "+qemu, t.TempDir(), fail); got != "allowed\n" {
		t.Error(got)
	}
}

// What cannot be made here fails at that very step, with the number that is
// reported of such a computer; proc is what its /proc/sys says.
func TestWhatRefusesElsewhere(t *testing.T) {
	needsNamespaces(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ubuntu := "Ubuntu does not let programs make namespaces of their own (AppArmor).\n" +
		"- Use a container instead, which piwiz finds by itself: sudo apt-get install podman\n" +
		"- Or allow it for a copy of piwiz that only the administrator can change: sudo install -D -m 755 " + self +
		" /usr/local/libexec/piwiz/own-nix && printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>'" +
		" 'profile piwiz-own-nix /usr/local/libexec/piwiz/own-nix flags=(unconfined) { userns, }'" +
		" | sudo tee /etc/apparmor.d/piwiz-own-nix && sudo apparmor_parser -r /etc/apparmor.d/piwiz-own-nix\n" + machineHint
	apparmor := map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1\n"}
	hardened := map[string]string{"kernel/unprivileged_userns_clone": "0\n"}
	container := "piwiz runs inside a container or a chroot that forbids namespaces.\n- Run piwiz outside of it.\n" + machineHint
	table := "Linux 6.1.0 does not let piwiz emulate the Raspberry Pi's processor for itself alone; Linux 6.7 and later do.\n"
	for _, c := range []struct {
		step   namespace.Step
		errno  syscall.Errno
		proc   map[string]string
		kernel string
		ids    []string
		want   string
	}{
		{step: namespace.Clone, errno: unix.EPERM, proc: apparmor, want: ubuntu},
		{step: namespace.Clone, errno: unix.EACCES, proc: apparmor, want: ubuntu},
		{step: namespace.Private, errno: unix.EACCES, proc: apparmor, want: ubuntu},
		{step: namespace.Self, errno: unix.EACCES, proc: apparmor, want: ubuntu},
		{step: sandboxClone, errno: unix.EPERM, proc: apparmor, want: ubuntu},
		{step: sandboxNet, errno: unix.EPERM, proc: apparmor, want: ubuntu},
		{step: namespace.Clone, errno: unix.EPERM, proc: hardened, want: "This computer lets only the administrator make namespaces (kernel.unprivileged_userns_clone is 0).\n" +
			"- Allow it until the next start: sudo sysctl kernel.unprivileged_userns_clone=1\n" +
			"- To keep it: echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/90-piwiz.conf\n" + machineHint},
		{step: namespace.Clone, errno: unix.EPERM, want: container},
		{step: namespace.Private, errno: unix.EPERM, want: container},
		{step: sandboxClone, errno: unix.EPERM, want: container},
		{step: namespace.Clone, errno: unix.ENOSPC, want: "All namespaces that the kernel allows are in use.\nSee the limits: sysctl user\n- Close containers and browsers, then try again.\n" + machineHint},
		{step: namespace.Clone, errno: unix.EUSERS, want: "Namespaces are nested too deeply here.\npiwiz runs in a container in a container.\n- Run piwiz outside of it.\n" + machineHint},
		{step: namespace.Clone, errno: unix.EINVAL, kernel: "6.1.0-x", want: "This kernel has no user namespaces.\nLinux 6.1.0-x was built without them (CONFIG_USER_NS).\n- Install the usual kernel of your distribution.\n" + machineHint},
		{step: namespace.Table, errno: unix.EPERM, kernel: "6.1.0-13-amd64", ids: []string{"debian"}, want: table + "An emulator that is installed for the whole computer serves as well.\n" +
			"- sudo apt-get install qemu-user-static binfmt-support\n- sudo systemctl restart systemd-binfmt\n- Then try again.\n" + machineHint},
		{step: namespace.Table, errno: unix.ENODEV, kernel: "6.1.0", ids: []string{"rocky", "rhel"}, want: table + "An emulator that is installed for the whole computer serves as well.\n" +
			"- sudo dnf install qemu-user-static-aarch64\n- sudo systemctl restart systemd-binfmt\n- Then try again.\n" + machineHint},
		{step: namespace.Table, errno: unix.EPERM, kernel: "6.1.0-microsoft-standard-WSL2", ids: []string{"ubuntu"}, want: table + "- Update WSL, in Windows: wsl --update\n- Then restart it: wsl --shutdown\n" + machineHint},
		{step: namespace.Register, errno: unix.EACCES, want: "The folder of piwiz's own Nix is on a file system that does not let programs run (noexec).\n" + strings.ReplaceAll(folderHint, "-0/", fmt.Sprintf("-%d/", os.Getuid())) + machineHint},
		{step: namespace.Pivot, errno: unix.EINVAL, want: "This system runs from its first root, in memory, where no program can have a root of its own.\nA live system that was started over the network can be such a one.\n- Run piwiz on an installed system.\n" + machineHint},
		{step: namespace.Pivot, errno: unix.ENOSYS, want: "This computer does not let piwiz's own Nix run.\nThe step that failed: change the root: DIR/.root: function not implemented.\n- Use a container instead: install podman, which piwiz finds by itself.\n" + machineHint},
		{step: run, errno: unix.ENOEXEC, want: "This computer does not let piwiz's own Nix run.\nThe step that failed: run a program for the Raspberry Pi: /nix/program: exec format error.\n- Use a container instead: install podman, which piwiz finds by itself.\n" + machineHint},
		{step: namespace.Show, errno: unix.EACCES, want: "piwiz's own Nix cannot be shown the folder /dev.\npermission denied\n- See whether it is there and yours: ls -ld /dev\n" + machineHint},
	} {
		root := t.TempDir()
		for name, text := range c.proc {
			file := filepath.Join(root, "proc/sys", name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PIWIZ_FAIL", fmt.Sprintf("%s=%d", c.step, c.errno))
		dir := t.TempDir()
		err := try(t.Context(), dir, true)
		r, ok := errors.AsType[*namespace.Refusal](err)
		if !ok || r.Step != c.step || r.Errno != c.errno {
			t.Fatalf("%s: %v", c.step, err)
		}
		if c.step == namespace.Pivot {
			r.Path = "DIR/.root"
		}
		got := said(computer{root, osrelease.System{IDs: c.ids}, c.kernel}.explain(r))
		if got != c.want {
			t.Errorf("%s, %v:\n%s\nwant\n%s", c.step, c.errno, got, c.want)
		}
	}
}
