package emulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/emulate/register"
)

// Exit codes of the privileged half; the ordinary half learns more from the
// reply.
const (
	failed = 1
	usage  = 2 // not root, or not started by piwiz
)

// reply is the one message of the privileged half: one line of JSON. Without
// a word inside, the emulator is registered.
type reply struct {
	Error  string           `json:"error,omitempty"`
	Denied *register.Denied `json:"denied,omitempty"`
}

// Serve is the privileged half, "piwiz grant emulation": it registers the
// emulator, and removes it when its standard input, a socket from piwiz, is
// closed. The kernel closes it however piwiz ends. The exit code is 0 when all
// was done and undone, 1 when that failed, and 2 for wrong usage.
func Serve(stdin *os.File, stderr io.Writer) int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(stderr, "piwiz grant works only with administrator rights, and piwiz runs it by itself; run piwiz instead.")
		return usage
	}
	if err := checkPeer(int(stdin.Fd()), os.Getenv); err != nil {
		fmt.Fprintf(stderr, "piwiz grant: %v; run piwiz instead, it runs this by itself.\n", err)
		return usage
	}
	// Nothing that can be caught may end it before the entry is gone, a
	// terminal that was closed included.
	signals := make(chan os.Signal, 1)
	signal.Ignore(unix.SIGPIPE)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	r, err := register.Register()
	if err != nil {
		_ = answerTo(stdin, err) // nobody is left to be told
		return failed
	}
	closed := make(chan struct{})
	if answerTo(stdin, nil) != nil {
		close(closed)
	} else {
		go func() {
			_, _ = io.Copy(io.Discard, stdin) // an error is an end too
			close(closed)
		}()
	}
	select {
	case <-closed:
	case <-signals:
	}
	if err := r.Remove(); err != nil {
		fmt.Fprintf(stderr, "piwiz: %v; remove it with: %s\n", err, register.Command("-1", register.Name))
		return failed
	}
	return 0
}

func answerTo(w io.Writer, problem error) error {
	var r reply
	if !errors.As(problem, &r.Denied) && problem != nil {
		r.Error = problem.Error()
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// checkPeer refuses everything but a socket that was made by the user who asks
// (unix(7), SO_PEERCRED), as sudo(8) and pkexec(1) name him: only then its end
// is the end of piwiz.
func checkPeer(fd int, getenv func(string) string) error {
	uid := uint64(os.Getuid())
	for _, name := range []string{"PKEXEC_UID", "SUDO_UID"} {
		if value := getenv(name); value != "" {
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return fmt.Errorf("%s does not hold the number of a user", name)
			}
			uid = n
		}
	}
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return errors.New("its standard input is not a connection to piwiz")
	}
	if uint64(peer.Uid) != uid {
		return errors.New("its standard input is a connection to a program of another user")
	}
	return nil
}
