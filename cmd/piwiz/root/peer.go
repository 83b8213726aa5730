package root

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// invoker is the user who asked for the rights, as sudo(8) and pkexec(1) tell
// it; neither lets the user set these variables. Each that is there must hold a
// user, and all one and the same. Without them root asks for itself.
func invoker(getenv func(string) string) (uint32, error) {
	user, from := uint32(os.Getuid()), ""
	for _, name := range invokers {
		value := getenv(name)
		if value == "" {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 32)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s does not hold the number of a user", name)
		case from != "" && uint32(n) != user:
			return 0, fmt.Errorf("%s and %s name two users", from, name)
		}
		user, from = uint32(n), name
	}
	return user, nil
}

var invokers = []string{"SUDO_UID", "PKEXEC_UID"}

// checkPeer refuses everything but a socket that this user made: what is sent
// there must not reach anybody else. For a socketpair the kernel tells who
// made it (unix(7), SO_PEERCRED).
func checkPeer(fd int, uid uint32) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX {
		return errors.New("its standard input is not a connection to piwiz")
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return errors.New("its standard input is not a connection to piwiz")
	}
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || peer.Uid != uid {
		return errors.New("its standard input is a connection to a program of another user")
	}
	return nil
}
