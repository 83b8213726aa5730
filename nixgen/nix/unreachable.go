package nix

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/fault"
)

// Patience is how long Nix may take for an answer that costs it nothing.
const Patience = 10 * time.Second

// Cause is why the store does not answer.
type Cause int

// The causes. Unexplained is one that only Nix's words tell.
const (
	Unexplained  Cause = iota
	Slow               // no answer in time
	Forbidden          // the service's settings do not name this user (allowed-users)
	Closes             // the service closes the connection
	NotPermitted       // the socket is not for this user
	Stopped            // nothing listens at the socket
	NotRunning         // there is no socket
)

// Unreachable says why AskStore failed, from its answers, and as a headline. The
// kernel is asked first: the same failure has other words in each version of Nix.
func Unreachable(ctx context.Context, said string, err error) (Cause, string) {
	conn, dial := net.DialTimeout("unix", Socket(), time.Second)
	if dial == nil {
		_ = conn.Close() // only the answer counts
	}
	// A store that this user may write is opened without the service.
	told, own := aboutService.MatchString(said), unix.Access(stateDir(), unix.W_OK)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Slow, "Nix does not answer within " + Patience.String() + "."
	case dial == nil && forbidden(ctx):
		return Forbidden, "The Nix service closes the connection: its settings do not allow your user (" + username() + ")."
	case dial == nil && hungUp.MatchString(said):
		return Closes, "The Nix service (nix-daemon) closes the connection."
	case errors.Is(dial, syscall.EACCES), closedSocket.MatchString(said):
		return NotPermitted, "Your user (" + username() + ") may not use Nix on this computer."
	case errors.Is(dial, syscall.ECONNREFUSED) && (told || own != nil):
		return Stopped, "The Nix service (nix-daemon) has stopped: its socket is there, but nothing is listening."
	case errors.Is(dial, fs.ErrNotExist) && (told || errors.Is(own, fs.ErrPermission)):
		return NotRunning, "The Nix service (nix-daemon) is not running."
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return Unexplained, "The Nix store does not answer: " + strings.TrimPrefix(first, "error: ")
}

// Read is the way to the whole of what Nix says when the cause is Unexplained.
const Read = "See its full message: nix --extra-experimental-features nix-command store info"

// Socket is where the daemon listens. Source: NixOS/nix src/libstore/globals.cc.
func Socket() string {
	return cmp.Or(os.Getenv("NIX_DAEMON_SOCKET_PATH"), filepath.Join(stateDir(), "daemon-socket/socket"))
}

func stateDir() string { return cmp.Or(os.Getenv("NIX_STATE_DIR"), "/nix/var/nix") }

var (
	// hungUp is how the versions of Nix say that the service ended the connection.
	hungUp = regexp.MustCompile(`Connection reset by peer|disconnected unexpectedly|unexpected end-of-file`)
	// closedSocket is how they say that this user may not connect to it.
	closedSocket = regexp.MustCompile(`(?:daemon-socket|to socket).*Permission denied`)
	// aboutService is how they say that it takes one.
	aboutService = regexp.MustCompile(`daemon-socket|connect to socket|big-lock|non-root in a single-user`)
)

// forbidden says whether the service's settings name its users, and not this
// one. Groups have an @ before their name.
func forbidden(ctx context.Context) bool {
	ctx, stop := context.WithTimeout(ctx, Patience)
	defer stop()
	set, err := AskSettings(ctx, true)
	return err == nil && len(set.AllowedUsers) > 0 && !slices.ContainsFunc(set.AllowedUsers, func(a string) bool {
		return a == "*" || a == username() || strings.HasPrefix(a, "@")
	})
}

func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "$USER"
}

// StoreError is Unreachable as an error with hints.
func StoreError(ctx context.Context, said string, err error) error {
	cause, headline := Unreachable(ctx, said, err)
	todo := howHint
	if cause == Unexplained {
		todo = Read
	}
	return &fault.Error{Lacks: true, Headline: headline, Todo: fault.Todo{todo}, Err: err}
}
