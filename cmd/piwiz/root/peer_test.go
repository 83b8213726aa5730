package root

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheOneWhoAskedIsWhomSudoOrPkexecNames(t *testing.T) {
	own := uint32(os.Getuid())
	for _, c := range []struct {
		env  map[string]string
		want uint32
		bad  bool
	}{
		{nil, own, false},
		{map[string]string{"SUDO_UID": "1000"}, 1000, false},
		{map[string]string{"PKEXEC_UID": "1001"}, 1001, false},
		{map[string]string{"SUDO_UID": "1000", "PKEXEC_UID": "1000"}, 1000, false},
		{map[string]string{"SUDO_UID": "1000", "PKEXEC_UID": "0"}, 0, true},
		{map[string]string{"SUDO_UID": "1000", "PKEXEC_UID": "root"}, 0, true},
		{map[string]string{"SUDO_UID": "", "PKEXEC_UID": "1001"}, 1001, false},
		{map[string]string{"PKEXEC_UID": "-1"}, 0, true},
		{map[string]string{"SUDO_UID": "-1"}, 0, true},
		{map[string]string{"SUDO_UID": "root"}, 0, true},
		{map[string]string{"SUDO_UID": "4294967296"}, 0, true},
	} {
		got, err := invoker(func(k string) string { return c.env[k] })
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%v: %d, %v", c.env, got, err)
		}
	}
}

func TestOnlyASocketOfTheUserIsAnswered(t *testing.T) {
	uid := uint32(os.Getuid())
	stream, _ := pair(t)
	if err := checkPeer(stream, uid); err != nil {
		t.Errorf("the user's own: %v", err)
	}
	if err := checkPeer(stream, uid+1); err == nil {
		t.Error("another user's socket was taken")
	}
	sock := func(domain, kind int) int {
		fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	for name, fd := range map[string]int{
		"a file":                       int(file(t, "x").Fd()),
		"an internet socket":           sock(unix.AF_INET, unix.SOCK_STREAM),
		"a socket of datagrams":        sock(unix.AF_UNIX, unix.SOCK_DGRAM),
		"a socket connected to nobody": sock(unix.AF_UNIX, unix.SOCK_STREAM),
		"nothing":                      -1,
	} {
		if err := checkPeer(fd, uid); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
