package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pkexecAsksNothing = `polkit.addRule(function(a, s) { if (a.id == "org.freedesktop.policykit.exec" && s.user == "USER") return polkit.Result.YES; });`
	pkexecMustType    = `polkit.addAdminRule(function(a, s) { return ["unix-user:USER"]; });`
	pkexecNever       = `polkit.addRule(function(a, s) { if (a.id == "org.freedesktop.policykit.exec") return polkit.Result.NO; });`
)

// unset makes a program of the desk one that is not setuid.
func (d *desk) unset(program string) {
	d.t.Helper()
	d.root("cp /usr/bin/%s %s/%[1]s && chmod 755 %[2]s/%[1]s && mount --bind %[2]s/%[1]s /usr/bin/%[1]s", program, d.dir)
}

// The same user with pkexec, where sudo cannot give rights.
func TestAnOrdinaryUserAndPkexec(t *testing.T) {
	piwiz := realPiwiz(t, "needs root, pkexec, polkit and loop devices")
	for _, c := range []struct {
		name, rules string
		test        func(*testing.T, *desk)
	}{
		{"a card is written", pkexecAsksNothing, writesThroughPkexec},
		{"the password is asked on the terminal", pkexecMustType, pkexecAsks},
		{"a wrong password writes nothing", pkexecMustType, refusedByPkexec},
		{"a user whom polkit refuses writes nothing", pkexecNever, refusedByPolkit},
		{"a card exchanged while pkexec asks is refused", pkexecMustType, exchangedUnderPkexec},
		{"only a socket of the user is answered", pkexecAsksNothing, onlyTheUsersSocketByPkexec},
		{"nothing stays behind when either half is killed", pkexecAsksNothing, killedUnderPkexec},
		{"Wi-Fi files of root are read for the user alone", pkexecAsksNothing, readsWifiByPkexec},
		{"what cannot give rights is not promised", pkexecAsksNothing, nothingGivesRights},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, piwiz, asksNothing)
			d.unset("sudo")
			d.serve(c.rules, nil)
			c.test(t, d)
		})
	}
}

func writesThroughPkexec(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mount /dev/sda1 /media/%s/CARD", d.user)
	// pkexec refuses a user with a shell that is not in /etc/shells.
	code, out := d.run(append([]string{"SHELL=/run/my/fish", "XAUTHORITY=/run/my/.."}, d.flash()...)...)
	expect(t, code, out, 0, "Opening the card needs administrator rights: pkexec "+d.dir+"/piwiz grant open /dev/sda", "/dev/sda is written and verified")
	card.written()
	card.free()
}

func pkexecAsks(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	code, out := d.answer(d.terminal("Password:", d.flash()...), password)
	expect(t, code, out, 0, "AUTHENTICATION COMPLETE", "/dev/sda is written and verified")
	if strings.Contains(out, password) {
		t.Error("the password was shown")
	}
	card.written()
	card.free()
}

func refusedByPkexec(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	code, out := d.answer(d.terminal("Password:", d.flash()...), "wrong")
	expect(t, code, out, 1, "administrator rights were not given; nothing was changed", "password of an administrator")
	code, out = d.run(d.flash()...) // without a terminal nobody can type one
	expect(t, code, out, 1, "administrator rights were not given; nothing was changed")
	if card.untouched() != before {
		t.Error("the card was written")
	}
	card.free()
}

func refusedByPolkit(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	code, out := d.run(d.flash()...)
	expect(t, code, out, 1, "administrator rights were not given; nothing was changed")
	if card.untouched() != before {
		t.Error("the card was written")
	}
}

func exchangedUnderPkexec(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	s := d.terminal("Password:", d.flash()...)
	card.anotherIn()
	card.tell()
	code, out := d.answer(s, password)
	expect(t, code, out, 3, "/dev/sda is not written.", "taken out or swapped")
	if card.untouched() != before {
		t.Error("the card was written")
	}
	card.free()
}

func onlyTheUsersSocketByPkexec(t *testing.T, d *desk) {
	d.root("printf '[Security]\nPassphrase=sesame sesame\n' > '/var/lib/iwd/Home.psk'")
	piwiz := filepath.Join(d.dir, "piwiz")
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := d.as("SUDO_UID=0", "PKEXEC_UID=0", "pkexec", piwiz, "grant", "wifi")
	cmd.Stdin = theirs
	code, out := d.end(cmd)
	expect(t, code, out, 2, "program of another user", "run piwiz instead")
	_ = theirs.Close()
	if b, err := io.ReadAll(ours); len(b) > 0 {
		t.Errorf("another user was told %d bytes, %v", len(b), err)
	}
	for _, operation := range []string{"wifi", "emulation"} {
		code, out = d.run("pkexec", piwiz, "grant", operation)
		expect(t, code, out, 2, "not a connection to piwiz", "run piwiz instead")
	}
}

func killedUnderPkexec(t *testing.T, d *desk) {
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
	_, letGo = card.holding()
	for pid, uid := range card.holders() {
		if uid == 0 {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
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
	letGo()
	card.free()
}

func readsWifiByPkexec(t *testing.T, d *desk) {
	d.root(`printf '[Security]\nPassphrase=sesame sesame\n' > /var/lib/iwd/Home.psk
rm -rf /etc/NetworkManager && mkdir -p /etc/NetworkManager/system-connections && cd /etc/NetworkManager/system-connections
profile() { printf '[connection]\nid=x\ntype=wifi\npermissions=user:%%s:;\n[wifi]\nssid=%%s\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=sesame sesame\n' "$1" "$2"; }
profile %s Ours > ours.nmconnection
profile somebody Theirs > theirs.nmconnection
profile root Roots > roots.nmconnection
chmod 600 *.nmconnection /var/lib/iwd/*`, d.user)
	code, out := d.end(d.ask("wifi"))
	expect(t, code, out, 0, "network: Home ", "network: Ours ")
	if strings.Contains(out, "Theirs") || strings.Contains(out, "Roots") || strings.Contains(out, "sesame") {
		t.Errorf("what is nobody's business was read:\n%s", out)
	}
}

func nothingGivesRights(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	before := card.untouched()
	code, out := d.run(append([]string{"setpriv", "--no-new-privs"}, d.flash()...)...)
	expect(t, code, out, 1, "no_new_privs", "or run it as root")
	d.root("mount --bind /usr/bin/pkexec /usr/bin/pkexec && mount -o remount,bind,nosuid /usr/bin/pkexec")
	code, out = d.run(d.flash()...)
	expect(t, code, out, 1, "/usr/bin/sudo is not installed setuid root; /usr/bin/pkexec is on a file system that is mounted nosuid", "Run piwiz as root")
	d.root("umount /usr/bin/pkexec")
	d.unset("pkexec") // as NixOS 26.11 installs it
	code, out = d.run(d.flash()...)
	expect(t, code, out, 1, "/usr/bin/pkexec is not installed setuid root")
	if strings.Contains(out, "Opening the card needs") {
		t.Errorf("a command was promised:\n%s", out)
	}
	if words := fmt.Sprint(d.run("pkexec", "true")); !strings.Contains(words, "pkexec must be setuid root") {
		t.Errorf("pkexec itself says: %s", words)
	}
	d.root("umount /usr/bin/pkexec && mv /run/dbus/system_bus_socket /run/dbus/old")
	code, out = d.run(d.flash()...)
	expect(t, code, out, 1, "/usr/bin/pkexec needs the system bus, which is not running")
	if card.untouched() != before {
		t.Error("the card was written")
	}
}
