package mdns

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxPacket is the largest mDNS message (RFC 6762, section 17).
	maxPacket = 9000
	// MaxAnswers bounds what one packet can make us do. A host has a
	// handful of addresses.
	MaxAnswers = 64
	// cacheFlush is the bit that mDNS keeps in the class of a record for
	// "forget what you knew" (RFC 6762, section 10.2).
	cacheFlush = 1 << 15
)

// Answer says that a name has an address.
type Answer struct {
	Name string     // as it was asked for, "bach.local"
	Addr netip.Addr // with its zone if it is one of the link
}

// question is one message that asks for the IPv4 and IPv6 addresses of names.
// It asks for multicast answers, so that they pass a firewall that knows only
// port 5353.
func question(names []string) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, fmt.Errorf("build the mDNS question: %w", err)
	}
	for _, name := range names {
		n, err := dnsmessage.NewName(name + ".")
		if err != nil {
			return nil, fmt.Errorf("ask for %q: %w", name, err)
		}
		for _, t := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
			if err := b.Question(dnsmessage.Question{Name: n, Type: t, Class: dnsmessage.ClassINET}); err != nil {
				return nil, fmt.Errorf("ask for %q: %w", name, err)
			}
		}
	}
	m, err := b.Finish()
	if err != nil {
		return nil, fmt.Errorf("build the mDNS question: %w", err)
	}
	return m, nil
}

// parse reads the addresses of the wanted names out of one mDNS packet. What
// is not a sound answer is dropped without a word: anyone on the network can send anything.
func parse(packet []byte, wanted []string) []Answer {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil || len(packet) > maxPacket || !h.Response || h.OpCode != 0 || h.RCode != dnsmessage.RCodeSuccess {
		return nil
	}
	if p.SkipAllQuestions() != nil {
		return nil
	}
	var found []Answer
	sections := []struct {
		header func() (dnsmessage.ResourceHeader, error)
		skip   func() error
	}{
		{p.AnswerHeader, p.SkipAnswer},
		{p.AuthorityHeader, p.SkipAuthority},
		{p.AdditionalHeader, p.SkipAdditional},
	}
	for i, s := range sections {
		for len(found) < MaxAnswers {
			rh, err := s.header()
			if err == dnsmessage.ErrSectionDone {
				break
			}
			// Authorities hold what a host that is still probing would like
			// to be called, so they are read over. A service name with a dot
			// in it, which DNS-SD allows, is an error here and is read over
			// too.
			if err == nil && i != 1 {
				if a, ok := address(&p, rh, wanted); ok {
					if Usable(a.Addr) {
						found = append(found, a)
					}
					continue
				}
			}
			if s.skip() != nil {
				return found
			}
		}
	}
	return found
}

// address takes the record at the parser if it holds an address of a wanted
// name. If it says false, the record is still to be skipped.
func address(p *dnsmessage.Parser, h dnsmessage.ResourceHeader, wanted []string) (Answer, bool) {
	name := match(h.Name.String(), wanted)
	// A time to live of 0 is a goodbye (RFC 6762, section 10.1).
	if name == "" || h.Class&^cacheFlush != dnsmessage.ClassINET || h.TTL == 0 {
		return Answer{}, false
	}
	var a netip.Addr
	switch {
	case h.Type == dnsmessage.TypeA && h.Length == 4:
		r, err := p.AResource()
		if err != nil {
			return Answer{}, false
		}
		a = netip.AddrFrom4(r.A)
	case h.Type == dnsmessage.TypeAAAA && h.Length == 16:
		r, err := p.AAAAResource()
		if err != nil {
			return Answer{}, false
		}
		a = netip.AddrFrom16(r.AAAA)
	default:
		return Answer{}, false
	}
	return Answer{name, a}, true
}

// match finds a name off the wire among the wanted, whatever its case.
func match(wire string, wanted []string) string {
	wire = strings.TrimSuffix(wire, ".")
	for _, w := range wanted {
		// ASCII only: EqualFold alone would let the Kelvin sign pass for a k.
		if len(w) == len(wire) && strings.EqualFold(w, wire) {
			return w
		}
	}
	return ""
}

// Usable says whether a host on the network can have this address. The
// loopback is not one: it would make this computer pass for the Pi.
func Usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !a.Is4In6() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
