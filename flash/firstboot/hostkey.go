package firstboot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/fault"
	"piwiz/flash/firstboot/mdns"
)

const (
	dialLimit      = 3 * time.Second
	handshakeLimit = 10 * time.Second // a Pi Zero at its first start is slow
)

// errNoKey: an SSH server that has no Ed25519 host key at all.
var errNoKey = errors.New("it has no Ed25519 host key")

var errSeen = errors.New("key seen")

// hostKey connects to an SSH server, lets it prove that it owns an Ed25519
// host key, and closes the connection before any login. opened runs as soon as the port
// answers.
func hostKey(ctx context.Context, to netip.AddrPort, opened func()) (ssh.PublicKey, error) {
	dialer := net.Dialer{Timeout: dialLimit}
	c, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	// The connection has served its purpose by then.
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	opened()
	if err := c.SetDeadline(time.Now().Add(handshakeLimit)); err != nil {
		return nil, err
	}
	var key ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(c, to.String(), &ssh.ClientConfig{
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		// It is called after the server's signature was checked.
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			key = k
			return errSeen
		},
	})
	if key != nil {
		return key, nil
	}
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) && none.What == "host key" {
		return nil, errNoKey
	}
	return nil, err
}

// parseKey reads a host key line "ssh-ed25519 AAAA... comment".
func parseKey(line string) (ssh.PublicKey, error) {
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, fmt.Errorf("read the host key: %w", err)
	}
	if key.Type() != ssh.KeyAlgoED25519 || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New(`read the host key: it must be one line "ssh-ed25519 AAAA..."`)
	}
	return key, nil
}

func same(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// WrongKey says that something answers under the name of the host, but does
// not hold the key that was written to the card. It is never a success.
type WrongKey struct {
	Name       string     // the name that led there, "bach.local"
	Addr       netip.Addr // where it is
	Port       int        // of its SSH
	Got        string     // its fingerprint, "ssh-ed25519 SHA256:..."; "" if it has no Ed25519 key
	Want       string     // the fingerprint of the key on the card
	fault.Todo            // names what it may be too, the likeliest first
}

func wrongKey(at mdns.Answer, port int, got, want string) *WrongKey {
	return &WrongKey{at.Name, at.Addr, port, got, want, fault.Todo{
		"Maybe a Pi with an older card of this name is still on. Switch it off, or put the new card into it, and wait again.",
		fmt.Sprintf("Maybe another computer has this name. Give one of the two another name. It is the one at %s.", at.Addr),
		fmt.Sprintf("To see for yourself which key is there, run: ssh-keyscan%s -t ed25519 %s | ssh-keygen -lf -", option(port), at.Addr),
	}}
}

func (e *WrongKey) Error() string {
	got := "with the key " + e.Got
	if e.Got == "" {
		got = "without an Ed25519 host key"
	}
	return fmt.Sprintf("another computer answers as %s: %s is there %s, but the new card holds %s", e.Name, e.Addr, got, e.Want)
}

// option is the one for a port of SSH.
func option(port int) string {
	if port == 22 || port == 0 {
		return ""
	}
	return fmt.Sprintf(" -p %d", port)
}

// Closed says that the host is there, as far as its name goes, and SSH does not
// answer.
type Closed struct {
	Name  string // that it answers by, "bach.local"
	Addr  netip.Addr
	Ports []uint16 // that were tried
	Odd   bool     // something answers on one of them, but not as SSH does
	fault.Todo
}

func unanswered(at mdns.Answer, ports []uint16, odd bool) *Closed {
	short, _, _ := strings.Cut(at.Name, ".")
	return &Closed{at.Name, at.Addr, ports, odd, fault.Todo{
		"If the Pi has just been switched on, wait again: piwiz wait " + short,
		fmt.Sprintf(`If your configuration.nix gives SSH another port (services.openssh.ports), tell ssh before you wait again: printf '\nHost %s\n  Port NUMBER\n' >> ~/.ssh/config`, at.Name),
	}}
}

func (e *Closed) Error() string {
	if e.Odd {
		return fmt.Sprintf("%s is at %s, but what answers there on port %s does not speak SSH", e.Name, e.Addr, orList(e.Ports))
	}
	return fmt.Sprintf("%s is at %s, but SSH does not answer there on port %s", e.Name, e.Addr, orList(e.Ports))
}

func orList(ports []uint16) string {
	var out []string
	for _, p := range ports {
		out = append(out, strconv.Itoa(int(p)))
	}
	return strings.Join(out, " or ")
}

func fingerprint(k ssh.PublicKey) string { return k.Type() + " " + ssh.FingerprintSHA256(k) }
