// Package firstboot waits for a host to answer as HOST.local: its address by
// multicast DNS (RFC 6762), then its SSH port, then the host key, which must
// be the one that was made for it. Another key is never success.
package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Want is the host that is waited for.
type Want struct {
	Name    string // without .local
	HostKey string // public half, one line of authorized_keys
	Port    int    // of SSH
}

// Event is what is known while waiting.
type Event struct {
	Text    string
	Elapsed time.Duration
}

// Result is the host that was found.
type Result struct {
	Name  string // bach.local, or bach-2.local when another has the name
	Addrs []netip.Addr
	Took  time.Duration
}

// WrongKey is a machine that has the name but another host key.
type WrongKey struct {
	Name      string
	Addr      netip.Addr
	Got, Want string // fingerprints
}

func (e *WrongKey) Error() string {
	return fmt.Sprintf("another machine answers as %s, at %s: its host key is %s, the one made for this host is %s", e.Name, e.Addr, e.Got, e.Want)
}

// Hints says what it can be.
func (e *WrongKey) Hints() []string {
	return []string{
		"Is the Pi with the old card still on, or another computer of that name? Switch it off and wait again.",
		"Do not log in to it under this name: it is not the host you made.",
	}
}

// persists is how long a wrong key alone must answer before it counts: the
// right host may still be starting under HOST-2.local.
const persists = 20 * time.Second

// Wait returns when the host answers with its key. It ends with ctx's error,
// or with *WrongKey when only another machine answers.
func Wait(ctx context.Context, w Want, report func(Event)) (Result, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(w.HostKey))
	if err != nil {
		return Result{}, errors.New("the host key of this host is not known; save the host again")
	}
	began := time.Now()
	say := func(format string, args ...any) {
		if report != nil {
			report(Event{fmt.Sprintf(format, args...), time.Since(began)})
		}
	}
	q := newQuerier(w.Name+".local.", w.Name+"-2.local.")
	defer q.close()
	var wrongSince time.Time
	say("Looking for %s.local on your network.", w.Name)
	for {
		found := q.ask(ctx, time.Second)
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		r, wrong := w.try(ctx, key, found, say)
		if r.Name != "" {
			r.Took = time.Since(began)
			return r, nil
		}
		switch {
		case wrong == nil:
			wrongSince = time.Time{}
		case wrongSince.IsZero():
			wrongSince = time.Now()
		case time.Since(wrongSince) > persists:
			return Result{}, wrong
		}
	}
}

// try asks each machine that answers for its key.
func (w Want) try(ctx context.Context, key ssh.PublicKey, found map[string][]netip.Addr, say func(string, ...any)) (Result, *WrongKey) {
	var wrong *WrongKey
	for _, name := range []string{w.Name + ".local", w.Name + "-2.local"} {
		for _, addr := range found[name+"."] {
			got, err := hostKey(ctx, addr, w.Port)
			switch {
			case err != nil:
				say("%s is at %s and is still starting its SSH service.", name, addr)
			case string(got.Marshal()) == string(key.Marshal()):
				say("%s answers with its own key.", name)
				return Result{Name: name, Addrs: found[name+"."]}, nil
			default:
				wrong = &WrongKey{name, addr, ssh.FingerprintSHA256(got), ssh.FingerprintSHA256(key)}
				say("A machine at %s answers as %s, but it is another one. Is the old card still running?", addr, name)
			}
		}
	}
	return Result{}, wrong
}

var errSeen = errors.New("seen")

// hostKey asks an SSH server for its ed25519 host key and goes no further.
func hostKey(ctx context.Context, addr netip.Addr, port int) (ssh.PublicKey, error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	target := net.JoinHostPort(addr.String(), strconv.Itoa(port))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	end := context.AfterFunc(ctx, func() { conn.Close() })
	defer end()
	var got ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(conn, target, &ssh.ClientConfig{
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			got = k
			return errSeen
		},
	})
	if got != nil {
		return got, nil
	}
	return nil, err
}

// Answers asks who has NAME.local now, for at most within. No address means
// that nobody answered in that time.
func Answers(ctx context.Context, name string, within time.Duration) ([]netip.Addr, error) {
	full := strings.ToLower(name) + ".local."
	q := newQuerier(full)
	defer q.close()
	return q.ask(ctx, within)[full], nil
}
