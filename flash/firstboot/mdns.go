package firstboot

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// querier asks by multicast DNS from port 5353 itself, beside whatever
// responder runs here: an answer to any other port does not pass a stateful
// firewall. Interfaces are looked at anew for each question, because Wi-Fi
// comes and goes.
type querier struct {
	names []string // fully qualified, in lower case
	v4    *ipv4.PacketConn
	v6    *ipv6.PacketConn
	mu    sync.Mutex
	found map[string][]netip.Addr
	news  chan struct{}
	join  map[int]bool
}

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: 5353}
)

func newQuerier(names ...string) *querier {
	q := &querier{names: names, found: map[string][]netip.Addr{}, news: make(chan struct{}, 1), join: map[int]bool{}}
	for i := range q.names {
		q.names[i] = strings.ToLower(q.names[i])
	}
	lc := net.ListenConfig{Control: shared}
	// Either family may be missing on a computer.
	if c, err := lc.ListenPacket(context.Background(), "udp4", "0.0.0.0:5353"); err == nil {
		q.v4 = ipv4.NewPacketConn(c)
		go q.listen(func(b []byte) (int, string, error) {
			n, _, _, err := q.v4.ReadFrom(b)
			return n, "", err
		})
	}
	if c, err := lc.ListenPacket(context.Background(), "udp6", "[::]:5353"); err == nil {
		q.v6 = ipv6.NewPacketConn(c)
		go q.listen(func(b []byte) (int, string, error) {
			n, _, from, err := q.v6.ReadFrom(b)
			zone := ""
			if a, ok := from.(*net.UDPAddr); ok {
				zone = a.Zone
			}
			return n, zone, err
		})
	}
	return q
}

// shared lets the port be used beside a responder of this computer.
func shared(_, _ string, c syscall.RawConn) error {
	var err error
	e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		if err == nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
	})
	if e != nil {
		return e
	}
	return err
}

func (q *querier) close() {
	if q.v4 != nil {
		_ = q.v4.Close()
	}
	if q.v6 != nil {
		_ = q.v6.Close()
	}
}

// listen takes answers until the socket is closed; a link-local address is
// only good with the zone it came from.
func (q *querier) listen(read func([]byte) (int, string, error)) {
	b := make([]byte, 9000) // the largest mDNS message (RFC 6762, section 17)
	for {
		n, zone, err := read(b)
		if err != nil {
			return
		}
		for name, addrs := range parse(b[:n], q.names) {
			for _, a := range addrs {
				if a.IsLinkLocalUnicast() && a.Is6() {
					a = a.WithZone(zone)
				}
				q.add(name, a)
			}
		}
	}
}

func (q *querier) add(name string, a netip.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.Contains(q.found[name], a) {
		return
	}
	q.found[name] = append(q.found[name], a)
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// parse takes the addresses of the names out of a message; anything that is
// no answer, or broken, gives none.
func parse(msg []byte, names []string) map[string][]netip.Addr {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || p.SkipAllQuestions() != nil {
		return nil
	}
	out := map[string][]netip.Addr{}
	for range 256 { // more records than any host announces
		r, err := p.Answer()
		if err != nil {
			break
		}
		name := strings.ToLower(r.Header.Name.String())
		if !slices.Contains(names, name) || r.Header.TTL == 0 { // 0 says goodbye
			continue
		}
		switch body := r.Body.(type) {
		case *dnsmessage.AResource:
			out[name] = append(out[name], netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			out[name] = append(out[name], netip.AddrFrom16(body.AAAA))
		}
	}
	return out
}

// ask sends the question on every interface and returns what is known after
// within, or shortly after the first answer. What answered before is asked
// again, so nothing found stays found for ever.
func (q *querier) ask(ctx context.Context, within time.Duration) map[string][]netip.Addr {
	q.mu.Lock()
	q.found = map[string][]netip.Addr{}
	q.mu.Unlock()
	q.send()
	end := time.NewTimer(within)
	defer end.Stop()
	select {
	case <-ctx.Done():
	case <-end.C:
	case <-q.news:
		select { // the addresses of the other family come right behind
		case <-time.After(min(within, 200*time.Millisecond)):
		case <-ctx.Done():
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	out := map[string][]netip.Addr{}
	for name, addrs := range q.found {
		out[name] = slices.Clone(addrs)
	}
	return out
}

func (q *querier) send() {
	msg := question(q.names)
	interfaces, err := net.Interfaces()
	if err != nil {
		return // asked again in a second
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 {
			continue
		}
		if !q.join[i.Index] {
			if q.v4 != nil {
				_ = q.v4.JoinGroup(&i, group4) // no address of this family: no group
			}
			if q.v6 != nil {
				_ = q.v6.JoinGroup(&i, group6)
			}
			q.join[i.Index] = true
		}
		if q.v4 != nil {
			_, _ = q.v4.WriteTo(msg, &ipv4.ControlMessage{IfIndex: i.Index}, group4)
		}
		if q.v6 != nil {
			_, _ = q.v6.WriteTo(msg, &ipv6.ControlMessage{IfIndex: i.Index}, group6)
		}
	}
}

func question(names []string) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	_ = b.StartQuestions() // right after the header it cannot fail
	for _, n := range names {
		name, err := dnsmessage.NewName(n)
		if err != nil {
			continue // longer than a name can be: nobody has it
		}
		for _, t := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
			_ = b.Question(dnsmessage.Question{Name: name, Type: t, Class: dnsmessage.ClassINET})
		}
	}
	msg, err := b.Finish()
	if err != nil {
		return nil
	}
	return msg
}
