// Package mdns asks for the addresses of hosts by multicast DNS (RFC 6762),
// over IPv4 and IPv6 on every interface that can carry it.
//
// It asks from port 5353 and wants multicast answers: a stateful firewall
// drops what comes to any other port. It also hears what hosts announce by
// themselves. Nothing that comes in is trusted: packets are bounded, answers
// must come from port 5353 and name what was asked for.
package mdns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
)

const port = 5353

var (
	group4 = net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	group6 = net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
)

// Why no answer can be expected. The question is asked anyway wherever
// that is possible.
var (
	// ErrNoNetwork: no interface could carry the question.
	ErrNoNetwork = errors.New("this computer has no network connection")
	// ErrVirtual: only interfaces that lead to containers, virtual machines or
	// through a tunnel could.
	ErrVirtual = errors.New("this computer has no network connection except to its own containers or virtual machines, or through a VPN")
	// ErrFirewall: the question does not go out, or does not come back to where
	// every multicast comes back, on the interface that it leaves by.
	ErrFirewall = errors.New("a firewall on this computer blocks UDP port 5353")
)

// deafAfter is how many questions in a row may stay without their echo. Linux
// gives what is sent to a group back to its own members (IP_MULTICAST_LOOP),
// through the firewall.
const deafAfter = 3

// Querier asks for names by multicast and hears the answers, and also what
// hosts announce by themselves.
type Querier struct {
	names    []string
	question []byte
	heard    chan Answer
	done     chan struct{}
	readers  sync.WaitGroup
	crashed  chan error // of a reader
	v4       *ipv4.PacketConn
	v6       *ipv6.PacketConn
	silent   atomic.Int32 // questions since the last echo
}

// New makes a querier for names like "bach.local". The sockets are
// opened by the first Ask, so that a busy port can become free meanwhile.
func New(names []string) (*Querier, error) {
	q, err := question(names)
	if err != nil {
		return nil, err
	}
	return &Querier{names: names, question: q, heard: make(chan Answer, MaxAnswers), done: make(chan struct{}), crashed: make(chan error, 2)}, nil
}

// Answers gives every address of the names that is heard, repeats included.
func (q *Querier) Answers() <-chan Answer { return q.heard }

// Close ends all reading; nothing comes out of Answers afterwards.
func (q *Querier) Close() {
	close(q.done)
	if q.v4 != nil {
		_ = q.v4.Close() // nothing was buffered
	}
	if q.v6 != nil {
		_ = q.v6.Close() // nothing was buffered
	}
	q.readers.Wait()
}

// Ask sends the question once on every interface that can carry it. The
// interfaces are listed again each time: a cable or a Wi-Fi may have come up.
// It fails only if the question left by no way at all, or nobody reads the
// answers any more.
func (q *Querier) Ask(ctx context.Context) error {
	select {
	case err := <-q.crashed:
		return err
	default:
	}
	opened := q.open(ctx)
	if q.v4 == nil && q.v6 == nil {
		return opened
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list the network interfaces: %w", err)
	}
	sent, real, virtual, stopped := 0, 0, 0, false
	tell := func(err error, i net.Interface) {
		stopped = stopped || errors.Is(err, syscall.EPERM) // what a firewall says
		if err == nil {
			sent++
			switch {
			case i.Flags&net.FlagRunning == 0: // no cable
			case leadsOut(i):
				real++
			default:
				virtual++
			}
		}
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 {
			continue
		}
		has4, has6 := families(i)
		// To join twice is an error that means nothing.
		if q.v4 != nil && has4 {
			_ = q.v4.JoinGroup(&i, &group4)
			_, err := q.v4.WriteTo(q.question, &ipv4.ControlMessage{IfIndex: i.Index}, &group4)
			tell(err, i)
		}
		if q.v6 != nil && has6 {
			_ = q.v6.JoinGroup(&i, &group6)
			_, err := q.v6.WriteTo(q.question, &ipv6.ControlMessage{IfIndex: i.Index}, &group6)
			tell(err, i)
		}
	}
	switch {
	case sent == 0 && stopped:
		return ErrFirewall
	case real == 0 && virtual > 0:
		return ErrVirtual
	case real == 0:
		return ErrNoNetwork
	case q.silent.Add(1) > deafAfter:
		return ErrFirewall
	}
	return nil
}

// open opens what is not open yet. Port 5353 is shared with the system's own
// mDNS service. Questions from another port would be answered to that port,
// and a stateful firewall drops such answers.
func (q *Querier) open(ctx context.Context) error {
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		}); e != nil {
			return e
		}
		return err
	}}
	listen := func(family, address string) (net.PacketConn, error) {
		c, err := share.ListenPacket(ctx, family, fmt.Sprintf("%s:%d", address, port))
		if err != nil {
			return nil, fmt.Errorf("listen on UDP port %d: %w", port, err)
		}
		return c, nil
	}
	// That the hop limit or the interface of a packet cannot be had costs at
	// most some hosts, so what the setters say is not asked.
	var err4, err6 error
	if q.v4 == nil {
		var c net.PacketConn
		if c, err4 = listen("udp4", "0.0.0.0"); err4 == nil {
			p := ipv4.NewPacketConn(c)
			_ = p.SetMulticastTTL(255)
			_ = p.SetControlMessage(ipv4.FlagInterface, true)
			q.v4 = p
			start(q, p.ReadFrom, func(m *ipv4.ControlMessage) int { return m.IfIndex })
		}
	}
	if q.v6 == nil {
		var c net.PacketConn
		if c, err6 = listen("udp6", "[::]"); err6 == nil {
			p := ipv6.NewPacketConn(c)
			_ = p.SetMulticastHopLimit(255)
			_ = p.SetControlMessage(ipv6.FlagInterface, true)
			q.v6 = p
			start(q, p.ReadFrom, func(m *ipv6.ControlMessage) int { return m.IfIndex })
		}
	}
	return errors.Join(err4, err6)
}

// start reads from a socket. What comes with a packet, if anything, knows the
// index of its interface.
func start[M any](q *Querier, from func([]byte) (int, *M, net.Addr, error), index func(*M) int) {
	q.readers.Add(1)
	crash.Go(func() error {
		q.read(func(b []byte) (int, int, net.Addr, error) {
			n, m, addr, err := from(b)
			if m == nil {
				return n, 0, addr, err
			}
			return n, index(m), addr, err
		})
		return nil
	}, func(err error) {
		if err != nil {
			q.crashed <- err
		}
		q.readers.Done()
	})
}

// read hands on the answers of one socket until it is closed.
func (q *Querier) read(next func([]byte) (n, ifIndex int, from net.Addr, err error)) {
	buf := make([]byte, maxPacket+1)
	for {
		n, index, from, err := next(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// An interface went away, for example. Others are still there.
			select {
			case <-q.done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		// Answers from another port are to be ignored (RFC 6762, section 6).
		if u, ok := from.(*net.UDPAddr); !ok || u.Port != port {
			continue
		}
		if bytes.Equal(buf[:n], q.question) {
			q.silent.Store(0)
		}
		for _, a := range parse(buf[:n], q.names) {
			// An IPv6 address of the link means nothing without the link.
			if a.Addr.Is6() && a.Addr.IsLinkLocalUnicast() {
				i, err := net.InterfaceByIndex(index)
				if err != nil {
					continue
				}
				a.Addr = a.Addr.WithZone(i.Name)
			}
			select {
			case q.heard <- a:
			case <-q.done:
				return
			}
		}
	}
}
