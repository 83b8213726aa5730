package grant

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// invoker is the user who asked for the rights, as sudo(8) and pkexec(1) tell
// it; neither lets the user set these variables. Without them root asks for
// itself.
func invoker(getenv func(string) string) (uint32, error) {
	for _, name := range []string{"SUDO_UID", "PKEXEC_UID"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		uid, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s does not hold the number of a user", name)
		}
		return uint32(uid), nil
	}
	return uint32(os.Getuid()), nil
}

// invokerName is the name of the user, "" for root.
func invokerName() (string, error) {
	uid, err := invoker(os.Getenv)
	if err != nil || uid == 0 {
		return "", err
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return "", fmt.Errorf("find the name of the user who asks: %w", err)
	}
	return u.Username, nil
}

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
