// Package firstboot waits for a freshly written card to come alive on the
// network, and makes the first login ask nothing.
//
// A host is found by its name (multicast DNS, RFC 6762), then by its open SSH
// port, and is believed only when it proves to hold the host key that was put
// on the card. A name proves nothing: the Pi with the old card may still be
// on, and then the new one calls itself bach-2.local (RFC 6762, section 9).
//
// Rules: whatever the network sends is checked and bounded; the interfaces
// are listed again at every repeat; a wrong key is never a success, and does not
// end the search; what a resolver says without the network is not told as
// found until it answers; known_hosts is changed only in the lines of
// this host.
package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"piwiz/flash/firstboot/mdns"
	"piwiz/flash/firstboot/sshconfig"
	"piwiz/flash/firstboot/sshlogin"
)

// Want is the host to wait for.
type Want struct {
	Name    string // "bach" or "bach.local"
	HostKey string // "ssh-ed25519 AAAA...", a comment may follow
	Port    int    // of SSH; 0 means 22
	User    string // who will log in: the port that ssh has for him is tried too
}

// Stage says how far the wait has come. It can go back: a host may leave.
type Stage int

const (
	Looking    Stage = iota // nothing answers by the name, or only a stranger
	Resolved                // an address is known
	PortOpen                // the SSH port answers
	KeyChecked              // the host holds the right key; the wait is over
)

// Event says what is known now. One comes at every change and every second.
type Event struct {
	Stage   Stage
	Text    string        // for the user: what is known, or what is waited for
	Addr    netip.Addr    // the address in Text; not valid when there is none
	Elapsed time.Duration // since the wait began
}

// Result is where the host is.
type Result struct {
	Name  string        // "bach.local", or "bach-2.local" when the first was taken
	Addrs []netip.Addr  // the verified one first, then others that the network gives for Name
	Port  int           // where its SSH answers
	Took  time.Duration // from the start of the wait
	Hint  string        // what to do about a name that was taken; "" when all is well
}

// Wait looks for the host until it answers with the right key or ctx ends. What
// else answers in its place is told, and is the error (*WrongKey) if the time
// of ctx ends; it does not end the wait, for the Pi may not be on yet. A host
// whose SSH does not answer is a *Closed then. Wait
// fails at once if want makes no sense. Each event is reported from the calling
// goroutine; report may be nil.
func Wait(ctx context.Context, want Want, report func(Event)) (Result, error) {
	key, err := parseKey(want.HostKey)
	if err != nil {
		return Result{}, err
	}
	if want.Port == 0 {
		want.Port = 22
	}
	if want.Port < 1 || want.Port > 65535 {
		return Result{}, errors.New("the SSH port must be between 1 and 65535")
	}
	first := local(want.Name)
	names := []string{first}
	for n := 2; n <= ranks; n++ {
		names = append(names, ranked(first, n))
	}
	q, err := mdns.New(names)
	if err != nil {
		return Result{}, err
	}
	defer q.Close()
	w := newWaiter(names, key, uint16(want.Port), q, report)
	w.system = system()
	w.sshPort = func(ctx context.Context) (uint16, bool) {
		s, err := sshconfig.Ask(ctx, want.User, first)
		return uint16(s.Port()), err == nil || s != nil
	}
	return w.wait(ctx)
}

// Answers is for the moment before a name is given to a new host: does
// something answer as name.local already? It waits at most for within
// (300 ms is plenty on a home network) and returns early when it heard
// something. No address and no error means that nothing answered. An error
// means that the question could not be asked, so nothing is known.
func Answers(ctx context.Context, name string, within time.Duration) ([]netip.Addr, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	q, err := mdns.New([]string{local(name)})
	if err != nil {
		return nil, err
	}
	defer q.Close()
	if err := q.Ask(ctx); err != nil && !errors.Is(err, mdns.ErrVirtual) {
		return nil, err
	}
	again := time.NewTimer(within / 2) // one packet may be lost
	defer again.Stop()
	var settled <-chan time.Time
	var found []netip.Addr
	for {
		select {
		case a := <-q.Answers():
			found = include(found, a.Addr)
			if settled == nil {
				settled = time.After(within / 5) // its other addresses
			}
		case <-again.C:
			_ = q.Ask(ctx) // the first one went out
		case <-settled:
			return found, nil
		case <-ctx.Done():
			return found, nil
		}
	}
}

// User is who will log in.
type User struct {
	Files  []string                 // of keys that the host lets in, the likeliest first
	System func(ids ...string) bool // as sshlogin.Host has it
}

// Login puts the key of a host that was found where this user's ssh looks for
// it, and finds the command that logs in. See sshlogin.Find.
func Login(ctx context.Context, want Want, found Result, u User) (sshlogin.Way, error) {
	key, err := parseKey(want.HostKey)
	if err != nil {
		return sshlogin.Way{}, err
	}
	return sshlogin.Find(ctx, sshlogin.Host{User: want.User, Name: found.Name, Addrs: found.Addrs, Port: found.Port, Key: key, Files: u.Files, System: u.System})
}

// local makes "bach.local" of "Bach", "bach.local" or "bach.local.".
func local(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return strings.TrimSuffix(name, ".local") + ".local"
}

// ranks is how many names are asked for: the Pi is bach-4 when three others are
// called so. More names make the question too long for one packet.
const ranks = 12

// ranked is the name that a host takes when the n-1 names before are in use
// (avahi counts up). A label has at most 63 bytes, so a long one is cut.
func ranked(name string, n int) string {
	label := strings.TrimSuffix(name, ".local")
	end := fmt.Sprintf("-%d", n)
	return label[:min(len(label), 63-len(end))] + end + ".local"
}

// include adds an address once and keeps IPv4 first: people can read it.
func include(list []netip.Addr, a netip.Addr) []netip.Addr {
	if slices.Contains(list, a) {
		return list
	}
	list = append(list, a)
	slices.SortStableFunc(list, netip.Addr.Compare)
	return list
}
