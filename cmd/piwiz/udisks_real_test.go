package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/tui/screen"
)

// serve starts a bus, polkit and the disk service for the desk, with the rules
// of polkit (JavaScript). The service sees the real /sys and /dev, in which the
// card is a loop device; by a link in udev's database it knows it under the
// name that is given here. All end with the standard input of the shell; a death
// signal would not do, because it is dropped with the rights of root.
func (d *desk) serve(rules string, cards map[string]*medium) {
	d.t.Helper()
	for name, m := range cards {
		d.root("printf 'S:%s\\nI:1234567890\\nE:ID_FS_TYPE=\\nG:systemd\\nQ:systemd\\nV:1\\n' > /run/udev/data/b%d:%d", name, m.device().Major, m.device().Minor)
	}
	d.root("mkdir -p /run/dbus /var/lib/udisks2 /run/udev/tags && touch /run/udev/control && rm -f /etc/polkit-1/rules.d/*")
	d.root("cat > /etc/polkit-1/rules.d/10-test.rules << 'EOF'\n%s\nEOF\nchmod -R a+rX /etc/polkit-1", strings.ReplaceAll(rules, "USER", d.user))
	cmd := exec.Command(d.enter[0], append(d.enter[1:], "unshare", "--mount", "--propagation", "private", "sh", "-c", `
umount -l /sys && umount -l /dev
die() { "$@" >> /run/log 2>&1 & daemons="$daemons $!"; }
die dbus-daemon --system --nofork --nopidfile
until [ -S /run/dbus/system_bus_socket ]; do sleep .1; done
die /usr/lib/polkit-1/polkitd --no-debug
die /usr/libexec/udisks2/udisksd
until dbus-send --system --print-reply --dest=org.freedesktop.UDisks2 /org/freedesktop/UDisks2/Manager org.freedesktop.DBus.Peer.Ping > /dev/null 2>&1; do sleep .1; done
echo ready
cat > /dev/null
kill -KILL $daemons
wait`)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	if err := within(20*time.Second, func() error { _, err := out.Read(make([]byte, 6)); return err }); err != nil {
		d.t.Fatalf("the disk service does not start: %v\n%s", err, d.root("cat /run/log"))
	}
}

func within(limit time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return os.ErrDeadlineExceeded
	}
}

const (
	mayOpen  = `polkit.addRule(function(a, s) { if (a.id.indexOf("org.freedesktop.udisks2.") == 0 && s.user == "USER") return polkit.Result.YES; });`
	mayNot   = ``
	mustType = `polkit.addAdminRule(function(a, s) { return ["unix-user:USER"]; });
polkit.addRule(function(a, s) { if (a.id.indexOf("org.freedesktop.udisks2.open-device") == 0) return polkit.Result.AUTH_ADMIN; });`
)

func TestAnOrdinaryUserAndTheDiskServiceOfTheDesktop(t *testing.T) {
	piwiz := realPiwiz(t, "needs root, udisks2, polkit and loop devices")
	const nobody = "root ALL=(ALL:ALL) ALL"
	for _, c := range []struct {
		name, sudoers string
		test          func(*testing.T, *desk)
	}{
		{"a card is written without sudo", nobody, writesByService},
		{"without permission sudo is asked at once", asksNothing, asksSudoInstead},
		{"a bus that hangs costs a second", asksNothing, hangingBus},
		{"a card that somebody has is refused with the program", nobody, refusesBusyByService},
		{"a card exchanged behind the service is refused", nobody, refusesExchangedByService},
		{"the password is asked by the desktop", nobody, asksByAgent},
		{"the question for the password can be taken back", nobody, takesQuestionBack},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newDesk(t, piwiz, c.sudoers)) })
	}
}

func writesByService(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.serve(mayOpen, map[string]*medium{"sda": card})
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0, "/dev/sda is written and verified", "if a window with its files has opened")
	if strings.Contains(out, "administrator") {
		t.Errorf("sudo was asked:\n%s", out)
	}
	card.written()
	card.free()
}

func asksSudoInstead(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.serve(mayNot, map[string]*medium{"sda": card})
	began := time.Now()
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0, "Opening the card needs administrator rights: sudo", "/dev/sda is written and verified")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	card.written()
}

func hangingBus(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.root("mkdir -p /run/dbus")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	silent := filepath.Join(d.dir, "home", "bus")
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: silent}); err != nil {
		t.Fatal(err)
	}
	d.must("chmod", "666", silent)
	d.root("ln -s %s /run/dbus/system_bus_socket", silent)
	if err := unix.Listen(fd, 8); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	code, out := d.run(d.flash()...)
	expect(t, code, out, 0, "Opening the card needs administrator rights: sudo")
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
	card.written()
}

func refusesBusyByService(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.serve(mayOpen, map[string]*medium{"sda": card})
	before := card.untouched()
	fd, err := unix.Open(card.loop, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	code, out := d.run(d.flash()...)
	expect(t, code, out, 3, "/dev/sda is not written. It is in use by another program")
	if card.untouched() != before {
		t.Error("the card was written")
	}
}

func refusesExchangedByService(t *testing.T, d *desk) {
	card, other := d.medium("sda", "usb"), d.medium("sdb", "usb")
	before, before2 := card.untouched(), other.untouched()
	d.serve(mayOpen, map[string]*medium{"sda": other, "sdb": card})
	code, out := d.run(d.flash()...)
	expect(t, code, out, 3, "/dev/sda is not written. The card's device name now belongs to another disk.")
	if card.untouched() != before || other.untouched() != before2 {
		t.Error("a card was written")
	}
}

// withAgent starts piwiz on a terminal on which an agent of polkit asks, as a
// desktop does in a window.
func (d *desk) withAgent() *screen.Session {
	d.t.Helper()
	line := `pkttyagent --process $$ --notify-fd 3 3> ~/ready & until [ -e ~/ready ]; do sleep .1; done; sleep 1; exec "$@"`
	return d.terminal("Password:", append([]string{"sh", "-c", line, "sh"}, d.flash()...)...)
}

func asksByAgent(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.serve(mustType, map[string]*medium{"sda": card})
	code, out := d.answer(d.withAgent(), password)
	expect(t, code, out, 0, "AUTHENTICATION COMPLETE", "/dev/sda is written and verified")
	card.written()
}

func takesQuestionBack(t *testing.T, d *desk) {
	card := d.medium("sda", "usb")
	d.serve(mustType, map[string]*medium{"sda": card})
	before := card.untouched()
	s := d.withAgent()
	began := time.Now()
	if err := unix.Kill(s.Pid(), unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	code, err := s.Wait(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, code, string(s.Raw()), 130)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if card.untouched() != before {
		t.Error("the card was written")
	}
	card.free()
}
