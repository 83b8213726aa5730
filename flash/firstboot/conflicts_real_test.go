package firstboot

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

// impostor is set when this test binary runs itself again as a computer that
// answers as this name, and as the names that avahi would take instead, whoever
// else does. avahi gives way, so it cannot play this.
const impostor = "PIWIZ_FIRSTBOOT_IMPOSTOR"

func claim(name string) error {
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	c, err := net.ListenMulticastUDP("udp4", link, group)
	if err != nil {
		return err
	}
	if err := errors.Join(ipv4.NewPacketConn(c).SetMulticastInterface(link), ipv4.NewPacketConn(c).SetMulticastTTL(255)); err != nil {
		return err
	}
	addrs, err := link.Addrs()
	if err != nil {
		return err
	}
	packet, err := claims4(name, addrs)
	if err != nil {
		return err
	}
	for b := make([]byte, 9000); ; {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		var p dnsmessage.Parser
		if h, err := p.Start(b[:n]); err != nil || h.Response || !strings.Contains(string(b[:n]), name) {
			continue
		}
		if _, err := c.WriteTo(packet, group); err != nil {
			return err
		}
	}
}

// claims4 is a packet that says name, name-2 and name-3 are here.
func claims4(name string, addrs []net.Addr) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, Authoritative: true})
	err := b.StartAnswers()
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.(*net.IPNet).IP.To4())
		if !ok {
			continue
		}
		for _, end := range []string{"", "-2", "-3"} {
			h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + end + ".local."), Class: dnsmessage.ClassINET | 1<<15, TTL: 120}
			err = errors.Join(err, b.AResource(h, dnsmessage.AResource{A: ip.As4()}))
		}
	}
	packet, bad := b.Finish()
	return packet, errors.Join(err, bad)
}

// Three real Pis whose avahi all want to be bach: the last to come calls itself
// bach-3. Which of them holds our card is told by its key alone.
func TestRealOfThreePisOfOneNameTheOneWithOurCardIsFound(t *testing.T) {
	for i, want := range []struct{ name, number, others string }{
		{"bach.local", "10", ""},
		{"bach-2.local", "11", "bach.local at "},
		{"bach-3.local", "13", "bach.local at , bach-2.local at "},
	} {
		t.Run(want.name, func(t *testing.T) {
			h := newHome(t, "pi3")
			line := ""
			for n, pi := range []string{"pi", "pi2", "pi3"} {
				card, l := h.card()
				if n == i {
					line = l
				}
				h.start(pi, card)
				h.answered([]string{"bach", "bach-2", "bach-3"}[n])
			}
			r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 40 * time.Second})()
			h.found(r, want.name, want.number)
			if i > 0 && (!strings.Contains(r.Result.Hint, "So the Pi calls itself "+want.name) || !strings.Contains(r.Result.Hint, "piwiz wait bach")) {
				t.Errorf("hint %q", r.Result.Hint)
			}
		})
	}
}

// The same while ours is not on yet: both others are named, and ours is found
// as soon as it comes.
func TestRealTwoOthersOfTheNameAreNamedUntilOursComes(t *testing.T) {
	h := newHome(t, "pi3")
	for n, pi := range []string{"pi", "pi2"} {
		card, _ := h.card()
		h.start(pi, card)
		h.answered([]string{"bach", "bach-2"}[n])
	}
	card, line := h.card()
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 60 * time.Second})
	time.Sleep(6 * time.Second)
	h.start("pi3", card)
	r := done()
	h.found(r, "bach-3.local", "13")
	all := strings.Join(r.Texts, "\n")
	for _, part := range []string{"bach.local at ", "bach-2.local at ", " are other computers, or Pis with old cards."} {
		if !strings.Contains(all, part) || !strings.Contains(r.Result.Hint, part) {
			t.Errorf("%q is not in %q or not in %q", part, all, r.Result.Hint)
		}
	}
}

// Ten computers that answer as bach, bach-2 and bach-3 without giving way, each
// with an SSH of its own: what is left to ours is bach-4.
func TestRealAmongTenImpostorsTheHostIsFound(t *testing.T) {
	var crowd []string
	for i := range 10 {
		crowd = append(crowd, fmt.Sprintf("x%d", i))
	}
	h := newHome(t, crowd...)
	self := selfPath(t)
	for _, x := range crowd {
		card, _ := h.card()
		h.start(x, card, "RESPONDER="+self, impostor+"=bach")
	}
	h.answered("bach")
	card, line := h.card()
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 90 * time.Second})
	time.Sleep(6 * time.Second)
	h.start("pi", card)
	r := done()
	h.found(r, "bach-4.local", "10")
	if all := strings.Join(r.Texts, "\n"); !strings.Contains(all, "10 other computers answer in its place, with other keys: bach") || !strings.Contains(r.Result.Hint, "10 other computers") {
		t.Errorf("texts %q, hint %q", r.Texts, r.Result.Hint)
	}
}

// The same without ours: it waits to the end, and says whom it saw.
func TestRealImpostorsAloneAreNeverTheHost(t *testing.T) {
	h := newHome(t)
	self := selfPath(t)
	for _, x := range []string{"pi", "pi2"} {
		card, _ := h.card()
		h.start(x, card, "RESPONDER="+self, impostor+"=bach")
	}
	h.answered("bach")
	r := h.computer(order{Want: Want{Name: "bach", HostKey: testLine(h), User: "root"}, Limit: 8 * time.Second})()
	if all := strings.Join(r.Texts, "\n"); !r.Wrong || !strings.Contains(all, " are other computers, or Pis with old cards.") {
		t.Errorf("error %q, texts %q", r.Err, r.Texts)
	}
}
