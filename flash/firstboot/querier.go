package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const mdnsPort = 5353

var (
	group4 = net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	group6 = net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
)

// errNoNetwork: no interface could carry the question.
var errNoNetwork = errors.New("this computer has no network connection")

// querier asks for names by multicast and hears the answers, and also what
// hosts announce by themselves.
type querier struct {
	names    []string
	question []byte
	heard    chan answer
	done     chan struct{}
	readers  sync.WaitGroup
	v4       *ipv4.PacketConn
	v6       *ipv6.PacketConn
}

// newQuerier makes a querier for names like "bach.local". The sockets are
// opened by the first ask, so that a busy port can become free meanwhile.
func newQuerier(names []string) (*querier, error) {
	q, err := question(names)
	if err != nil {
		return nil, err
	}
	return &querier{names: names, question: q, heard: make(chan answer, maxAnswers), done: make(chan struct{})}, nil
}

func (q *querier) answers() <-chan answer { return q.heard }

// close ends all reading; nothing comes out of answers afterwards.
func (q *querier) close() {
	close(q.done)
	if q.v4 != nil {
		_ = q.v4.Close() // nothing was buffered
	}
	if q.v6 != nil {
		_ = q.v6.Close() // nothing was buffered
	}
	q.readers.Wait()
}

// ask sends the question once on every interface that can carry it. The
// interfaces are listed anew each time: a cable or a Wi-Fi may have come up.
// It fails only if the question left by no way at all.
func (q *querier) ask(ctx context.Context) error {
	opened := q.open(ctx)
	if q.v4 == nil && q.v6 == nil {
		return opened
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list the network interfaces: %w", err)
	}
	sent := 0
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 {
			continue
		}
		has4, has6 := families(i)
		// To join twice is an error that means nothing.
		if q.v4 != nil && has4 {
			_ = q.v4.JoinGroup(&i, &group4)
			if _, err := q.v4.WriteTo(q.question, &ipv4.ControlMessage{IfIndex: i.Index}, &group4); err == nil {
				sent++
			}
		}
		if q.v6 != nil && has6 {
			_ = q.v6.JoinGroup(&i, &group6)
			if _, err := q.v6.WriteTo(q.question, &ipv6.ControlMessage{IfIndex: i.Index}, &group6); err == nil {
				sent++
			}
		}
	}
	if sent == 0 {
		return errNoNetwork
	}
	return nil
}

// families says which kinds of address an interface has. Those without any,
// like the many ends of containers, would use up the 20 groups that Linux
// lets a socket join.
func families(i net.Interface) (has4, has6 bool) {
	addrs, err := i.Addrs()
	if err != nil {
		return false, false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if n.IP.To4() != nil {
				has4 = true
			} else {
				has6 = true
			}
		}
	}
	return has4, has6
}

// open opens what is not open yet. Port 5353 is shared with the system's own
// mDNS service. Questions from another port would be answered to that port,
// and a stateful firewall drops such answers.
func (q *querier) open(ctx context.Context) error {
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
	var err4, err6 error
	if q.v4 == nil {
		var c net.PacketConn
		if c, err4 = share.ListenPacket(ctx, "udp4", fmt.Sprintf("0.0.0.0:%d", mdnsPort)); err4 == nil {
			p := ipv4.NewPacketConn(c)
			// A hop limit of 255 is what the protocol wants; a refusal costs
			// at most some hosts.
			_ = p.SetMulticastTTL(255)
			_ = p.SetControlMessage(ipv4.FlagInterface, true)
			q.v4 = p
			q.readers.Go(func() {
				q.read(func(b []byte) (int, int, net.Addr, error) {
					n, cm, from, err := p.ReadFrom(b)
					if cm == nil {
						return n, 0, from, err
					}
					return n, cm.IfIndex, from, err
				})
			})
		}
	}
	if q.v6 == nil {
		var c net.PacketConn
		if c, err6 = share.ListenPacket(ctx, "udp6", fmt.Sprintf("[::]:%d", mdnsPort)); err6 == nil {
			p := ipv6.NewPacketConn(c)
			_ = p.SetMulticastHopLimit(255)
			_ = p.SetControlMessage(ipv6.FlagInterface, true)
			q.v6 = p
			q.readers.Go(func() {
				q.read(func(b []byte) (int, int, net.Addr, error) {
					n, cm, from, err := p.ReadFrom(b)
					if cm == nil {
						return n, 0, from, err
					}
					return n, cm.IfIndex, from, err
				})
			})
		}
	}
	if err := errors.Join(err4, err6); err != nil {
		return fmt.Errorf("listen on UDP port %d: %w", mdnsPort, err)
	}
	return nil
}

// read hands on the answers of one socket until it is closed.
func (q *querier) read(next func([]byte) (n, ifIndex int, from net.Addr, err error)) {
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
		if u, ok := from.(*net.UDPAddr); !ok || u.Port != mdnsPort {
			continue
		}
		zone := ""
		if i, err := net.InterfaceByIndex(index); err == nil {
			zone = i.Name
		}
		for _, a := range parse(buf[:n], q.names, zone) {
			select {
			case q.heard <- a:
			case <-q.done:
				return
			}
		}
	}
}

// Answers asks the network once more before a name is given to a new host:
// does something answer as name.local already? It waits at most for within
// (300 ms is plenty on a home network) and returns early when it heard
// something. No address and no error means that nothing answered. An error
// means that the question could not be asked, so nothing is known.
func Answers(ctx context.Context, name string, within time.Duration) ([]netip.Addr, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	q, err := newQuerier([]string{local(name)})
	if err != nil {
		return nil, err
	}
	defer q.close()
	if err := q.ask(ctx); err != nil {
		return nil, err
	}
	again := time.NewTimer(within / 2) // one packet may be lost
	defer again.Stop()
	var settled <-chan time.Time
	var found []netip.Addr
	for {
		select {
		case a := <-q.answers():
			found = include(found, a.addr)
			if settled == nil {
				settled = time.After(within / 5) // its other addresses
			}
		case <-again.C:
			_ = q.ask(ctx) // the first one went out
		case <-settled:
			return found, nil
		case <-ctx.Done():
			return found, nil
		}
	}
}
