package mdns

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// record is an address record as a host sends it.
func record(name, addr string, change func(*dnsmessage.ResourceHeader)) dnsmessage.Resource {
	a := netip.MustParseAddr(addr)
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{
		Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET | cacheFlush, TTL: 120,
	}}
	if a.Is4() {
		r.Header.Type, r.Body = dnsmessage.TypeA, &dnsmessage.AResource{A: a.As4()}
	} else {
		r.Header.Type, r.Body = dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: a.As16()}
	}
	if change != nil {
		change(&r.Header)
	}
	return r
}

func pack(t testing.TB, m dnsmessage.Message) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var response = dnsmessage.Header{Response: true, Authoritative: true}

func TestOnlySoundAnswersToTheQuestionAreTaken(t *testing.T) {
	bach := record("bach.local", "10.77.0.10", nil)
	service := dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("x._ssh._tcp.local."), Class: dnsmessage.ClassINET, TTL: 9},
		Body:   &dnsmessage.TXTResource{TXT: []string{"a=b"}},
	}
	answers := func(r ...dnsmessage.Resource) dnsmessage.Message {
		return dnsmessage.Message{Header: response, Answers: r}
	}
	tests := []struct {
		name string
		in   dnsmessage.Message
		want string
	}{
		{"both families", answers(bach, record("bach.local", "fd77::10", nil)), "bach.local 10.77.0.10, bach.local fd77::10"},
		{"the name in any case", answers(record("BACH.Local", "10.77.0.10", nil)), "bach.local 10.77.0.10"},
		{"both names", answers(bach, record("bach-2.local", "10.77.0.11", nil)), "bach.local 10.77.0.10, bach-2.local 10.77.0.11"},
		{"an address after other records", answers(service, bach), "bach.local 10.77.0.10"},
		{"additional records", dnsmessage.Message{Header: response, Answers: []dnsmessage.Resource{service}, Additionals: []dnsmessage.Resource{bach}}, "bach.local 10.77.0.10"},
		{"not what a probing host would like to have", dnsmessage.Message{Header: response, Authorities: []dnsmessage.Resource{bach}}, ""},
		{"not a question", dnsmessage.Message{Answers: []dnsmessage.Resource{bach}}, ""},
		{"not a failure", dnsmessage.Message{Header: dnsmessage.Header{Response: true, RCode: dnsmessage.RCodeRefused}, Answers: []dnsmessage.Resource{bach}}, ""},
		{"not another operation", dnsmessage.Message{Header: dnsmessage.Header{Response: true, OpCode: 5}, Answers: []dnsmessage.Resource{bach}}, ""},
		{"not another name", answers(record("liszt.local", "10.77.0.10", nil), record("bach.local.evil", "10.77.0.10", nil)), ""},
		{"not a name that folds to it", answers(record("bac\u212a.local", "10.77.0.10", nil)), ""},
		{"not a goodbye", answers(record("bach.local", "10.77.0.10", func(h *dnsmessage.ResourceHeader) { h.TTL = 0 })), ""},
		{"not another class", answers(record("bach.local", "10.77.0.10", func(h *dnsmessage.ResourceHeader) { h.Class = dnsmessage.ClassCHAOS })), ""},
		{"no address that a host cannot have", answers(record("bach.local", "127.0.0.1", nil), record("bach.local", "0.0.0.0", nil), record("bach.local", "224.0.0.251", nil),
			record("bach.local", "255.255.255.255", nil), record("bach.local", "::1", nil), record("bach.local", "ff02::fb", nil), record("bach.local", "::ffff:10.0.0.1", nil), bach), "bach.local 10.77.0.10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range parse(pack(t, tt.in), []string{"bach.local", "bach-2.local"}) {
				got = append(got, a.Name+" "+a.Addr.String())
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

// A label may hold a dot (RFC 6763, section 4.1.1); dnsmessage refuses it.
func TestAServiceNameWithADotHidesNothing(t *testing.T) {
	p := pack(t, dnsmessage.Message{Header: response, Answers: []dnsmessage.Resource{record("AxB.local", "10.0.0.1", nil), record("bach.local", "10.77.0.10", nil)}})
	i := strings.Index(string(p), "AxB")
	p[i+1] = '.'
	if got := parse(p, []string{"bach.local"}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestAPacketOfManyAnswersIsBounded(t *testing.T) {
	m := dnsmessage.Message{Header: response}
	for range 4 * MaxAnswers {
		m.Answers = append(m.Answers, record("bach.local", "10.77.0.10", nil))
	}
	if got := parse(pack(t, m), []string{"bach.local"}); len(got) != MaxAnswers {
		t.Errorf("%d answers", len(got))
	}
}

func TestTheQuestionAsksForAllNamesAndFamiliesByMulticast(t *testing.T) {
	b, err := question([]string{"bach.local", "bach-2.local"})
	if err != nil {
		t.Fatal(err)
	}
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range m.Questions {
		got = append(got, q.Name.String()+" "+q.Type.String())
		if q.Class != dnsmessage.ClassINET { // the top bit would ask for unicast
			t.Errorf("class %v", q.Class)
		}
	}
	want := []string{"bach.local. TypeA", "bach.local. TypeAAAA", "bach-2.local. TypeA", "bach-2.local. TypeAAAA"}
	if !slices.Equal(got, want) || m.Response || m.ID != 0 {
		t.Errorf("asks %q", got)
	}
	if _, err := question([]string{strings.Repeat("a", 64) + ".local"}); err == nil {
		t.Error("a label of 64 bytes is taken")
	}
}

// FuzzParse: whatever comes, no panic, bounded, and only what was asked for.
func FuzzParse(f *testing.F) {
	f.Add(pack(f, dnsmessage.Message{Header: response, Answers: []dnsmessage.Resource{record("bach.local", "10.77.0.10", nil), record("bach.local", "fe80::1", nil)}}))
	f.Add(pack(f, dnsmessage.Message{Header: response, Additionals: []dnsmessage.Resource{record("bach-2.local", "fd77::1", nil)}}))
	q, err := question([]string{"bach.local"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	many := make([]byte, 12)
	binary.BigEndian.PutUint16(many[2:], 1<<15)
	binary.BigEndian.PutUint16(many[6:], 65535)
	f.Add(many)
	wanted := []string{"bach.local", "bach-2.local"}
	f.Fuzz(func(t *testing.T, packet []byte) {
		found := parse(packet, wanted)
		if len(found) > MaxAnswers {
			t.Fatalf("%d answers", len(found))
		}
		for _, a := range found {
			if !slices.Contains(wanted, a.Name) || !Usable(a.Addr) {
				t.Fatalf("took %v", a)
			}
		}
	})
}
