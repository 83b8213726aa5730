package nix

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// What the kernel answers counts, whatever this version of Nix says; and of a
// store that Nix opens by itself no service is to blame.
func TestWhyTheStoreDoesNotAnswerIsToldByTheKernel(t *testing.T) {
	stand(t, `exit 1`) // it says no settings, so none that forbid
	own := t.TempDir()
	gone := filepath.Join(own, "gone") // no store of ours
	for name, c := range map[string]struct {
		listen, left bool   // what is at the socket
		state        string // of Nix
		said         string
		err          error
		want         Cause
	}{
		"nothing, and Nix needs it":         {state: own, said: "error: cannot connect to socket at '/x': No such file or directory", want: NotRunning},
		"nothing, and Nix does not":         {state: own, said: "error: disk I/O error", want: Unexplained},
		"left over":                         {left: true, state: gone, said: "error: new words", want: Stopped},
		"left over beside a store of ours":  {left: true, state: own, said: "error: disk I/O error", want: Unexplained},
		"somebody listens":                  {listen: true, state: gone, said: "error: new words", want: Unexplained},
		"the service closes the connection": {listen: true, state: gone, said: "error: Nix daemon disconnected unexpectedly", want: Closes},
		"somebody does not answer":          {listen: true, state: gone, err: context.DeadlineExceeded, want: Slow},
		"not for this user":                 {state: gone, said: "error: getting status of /nix/var/nix/daemon-socket/socket: Permission denied", want: NotPermitted},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "socket")
			t.Setenv("NIX_DAEMON_SOCKET_PATH", path)
			t.Setenv("NIX_STATE_DIR", c.state)
			if c.listen || c.left {
				l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
				if err != nil {
					t.Fatal(err)
				}
				l.SetUnlinkOnClose(!c.left)
				if c.left {
					_ = l.Close()
				}
				defer l.Close()
			}
			cause, headline := Unreachable(t.Context(), c.said+"\nmore", c.err)
			if cause != c.want || headline == "" || strings.Contains(headline, "\n") {
				t.Errorf("%d, want %d: %q", cause, c.want, headline)
			}
		})
	}
}
