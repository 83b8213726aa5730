package emulate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/osrelease"
)

// What the kernel shows, as it was seen.
const (
	debian = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n" +
		"magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
)

// nixos: its mask leaves byte 14 out, where Debian's does not.
var nixos = strings.NewReplacer("/usr/libexec/qemu-binfmt/aarch64-binfmt-P", "/run/binfmt/aarch64-linux", "POF", "P",
	"ffffffffffffff00fffffffffffffffffeffffff", "ffffffffffffff00ffffffffffff00fffeffffff").Replace(debian)

// tableOf is a table with one entry for aarch64, or with none.
func tableOf(t *testing.T, name, text string) binfmt.Table {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"status": "enabled\n", "register": ""}
	if name != "" {
		files[name] = text
	}
	for n, text := range files {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tab, err := readTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestEachStateIsToldApart(t *testing.T) {
	noexec, noent := error(syscall.ENOEXEC), error(syscall.ENOENT)
	off := strings.Replace(debian, "enabled", "disabled", 1)
	withoutF, withoutP := strings.Replace(debian, "POF", "PO", 1), strings.Replace(debian, "POF", "OF", 1)
	const fine = Reason("")
	for _, c := range []struct {
		state, name, text string
		ran               error
		version           int
		held              bool
		want              Reason
		says, hint, note  string
	}{
		{state: "fine", name: "qemu-aarch64", text: debian, version: 7},
		{state: "a version that cannot be known", name: "qemu-aarch64", text: debian},
		{state: "a foreign name without F, as NixOS does it", name: "aarch64-linux", text: nixos},
		{state: "it runs though the table shows nothing"},
		{state: "nothing", ran: noexec, want: NotRegistered, says: "no emulator", hint: "apt-get install"},
		{state: "off", name: "emu", text: off, ran: noexec, want: Disabled, says: "emu is switched off", hint: "sudo sysctl fs/binfmt_misc/emu=1"},
		{state: "a name for a shell", name: "a b'c\n", text: off, ran: noexec, want: Disabled, hint: `sudo sysctl 'fs/binfmt_misc/a b'\''c?=1'`},
		{state: "without F", name: "qemu-aarch64", text: withoutF, want: NotInSandbox, says: "not inside Nix's sandbox or a chroot", hint: "sudo sysctl fs/binfmt_misc/qemu-aarch64=-1"},
		{state: "without P", name: "qemu-aarch64", text: withoutP, ran: errRenamed, want: fine, note: "flag P"},
		{state: "P that QEMU does not know", name: "qemu-aarch64", text: debian, ran: errShifted, want: Broken, says: "does not know the flag P", hint: "qemu-aarch64=-1"},
		{state: "its file is gone", name: "qemu-aarch64", text: debian, ran: noent, want: InterpreterMissing, says: "no /usr/libexec/qemu-binfmt/aarch64-binfmt-P", hint: "apt-get install"},
		{state: "gone, and the table cannot be seen", ran: noent, want: InterpreterMissing, says: "is missing", hint: "In a container"},
		{state: "its file is no program", name: "qemu-aarch64", text: debian, ran: noexec, want: Broken, says: "qemu-aarch64", hint: "qemu-aarch64=-1"},
		{state: "an old QEMU that worked this time", name: "qemu-aarch64", text: debian, version: 4, want: OldQEMU, says: "QEMU 4, under which builds fail at random because memory", hint: "apt-get install"},
		{state: "an old QEMU that did not", name: "qemu-aarch64", text: debian, ran: errors.New("signal: segmentation fault"), version: 3, want: OldQEMU},
		{state: "an entry of a run that was killed", name: register.Name, text: debian, want: LeftOver, says: "left its emulator registered", hint: "sudo sysctl fs/binfmt_misc/piwiz-aarch64=-1"},
		{state: "an entry of that name that piwiz did not make", name: register.Name, text: strings.Replace(debian, "POF", "PF", 1)},
		{state: "an entry of a run that goes on", name: register.Name, text: debian, held: true, note: "Another piwiz"},
	} {
		t.Run(c.state, func(t *testing.T) {
			notes, problem := judge(c.ran, tableOf(t, c.name, c.text), c.version, c.held)
			if all := strings.Join(notes, "\n"); !strings.Contains(all, c.note) || (c.note == "" && all != "") {
				t.Errorf("notes %q", all)
			}
			if problem == nil {
				if c.want != fine {
					t.Errorf("nothing found, want %s", c.want)
				}
				return
			}
			_ = problem.on(osrelease.System{IDs: []string{"debian"}})
			if problem.Reason != c.want || !strings.Contains(problem.Error(), c.says) || !strings.Contains(strings.Join(problem.Hints(), "\n"), c.hint) {
				t.Errorf("%s: %v %q", problem.Reason, problem, problem.Hints())
			}
		})
	}
}

func TestATableThatIsOffOrNotThereIsToldFromAnEmptyOne(t *testing.T) {
	for _, there := range []bool{true, false} {
		dir := t.TempDir()
		if !there {
			dir += "/nothing"
		}
		empty, err := readTable(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, problem := judge(syscall.ENOEXEC, empty, 0, false)
		if problem == nil || problem.Reason != NotMounted || strings.Contains(strings.Join(problem.remedy(osrelease.System{}), "\n"), "modprobe") == there {
			t.Errorf("not mounted: %v", problem)
		}
	}
	off := tableOf(t, "qemu-aarch64", debian)
	off.Off = true
	_, problem := judge(syscall.ENOEXEC, off, 0, false)
	if problem == nil || problem.Reason != Disabled || problem.remedy(osrelease.System{})[0] != "sudo sysctl fs/binfmt_misc/status=1" {
		t.Errorf("switched off: %v", problem)
	}
}

func TestEachDistributionGetsItsCommands(t *testing.T) {
	every := []Reason{NotMounted, NotRegistered, Disabled, InterpreterMissing, Broken, OldQEMU, NotInSandbox, LeftOver, NotTried}
	for distro, want := range map[string]string{
		"debian": "apt-get install", "linuxmint ubuntu debian": "apt-get install", "fedora": "dnf install",
		"arch": "pacman", "nixos": "boot.binfmt.emulatedSystems", "void": "qemu-user-static",
	} {
		system := osrelease.System{IDs: strings.Fields(distro)}
		for _, r := range every {
			e := (&Error{Reason: r}).on(system)
			if len(e.Hints()) == 0 || !strings.HasSuffix(e.Error(), ".") {
				t.Errorf("%s: %v %q", r, e, e.Hints())
			}
		}
		for _, r := range []Reason{NotMounted, NotRegistered, InterpreterMissing, OldQEMU} {
			if got := strings.Join((&Error{Reason: r}).remedy(system), "\n"); !strings.Contains(got, want) {
				t.Errorf("%s, %s: %s", distro, r, got)
			}
		}
	}
}
