package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"piwiz/flash/firstboot/mdns"
)

// shutPort is a port of this computer where nothing listens.
func shutPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestThePortThatSSHKnowsIsTriedToo(t *testing.T) {
	t.Parallel()
	key, n := newSigner(t), newNetwork()
	port := serve(t, "127.0.0.1", 0, key)
	n.host("bach.local", "127.0.0.1")
	w := newWaiter(names(), key.PublicKey(), shutPort(t), n, nil)
	w.sshPort = func(context.Context) (uint16, bool) { return port, true }
	ctx, stop := hopeFor(10 * time.Second)
	defer stop()
	if r, err := w.wait(ctx); err != nil || r.Port != int(port) {
		t.Errorf("port %d, %v", r.Port, err)
	}
}

func TestAPortThatStaysClosedIsTheError(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.host("bach.local", "127.0.0.1")
	port := shutPort(t)
	ctx, stop := hopeFor(700 * time.Millisecond)
	defer stop()
	_, err := newWaiter(names(), newSigner(t).PublicKey(), port, n, nil).wait(ctx)
	var shut *Closed
	if !errors.As(err, &shut) || !strings.Contains(err.Error(), fmt.Sprintf("at 127.0.0.1, but SSH does not answer there on port %d", port)) || !strings.Contains(strings.Join(shut.Hints(), "\n"), `printf '\nHost bach.local\n`) {
		t.Errorf("%v", err)
	}
}

// ssh that hangs is asked once.
func TestSSHThatDoesNotSayIsNotAskedAgain(t *testing.T) {
	w := newWaiter(names(), newSigner(t).PublicKey(), 22, newNetwork(), nil)
	asked := 0
	w.sshPort = func(context.Context) (uint16, bool) { asked++; return 0, false }
	for range 3 {
		w.askSSH(context.Background(), true)
		w.checks.Wait()
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestWhatIsKnownOfAHostIsSaid(t *testing.T) {
	long := time.Now().Add(-2 * patience)
	for want, c := range map[string]candidate{
		". Waiting for its SSH to start.":                       {heard: true, shut: time.Now()},
		"SSH does not answer there on port 22. It may":          {heard: true, shut: long},
		"what answers on port 22 there does not speak SSH":      {heard: true, odd: true, opened: true, port: 22},
		"and its SSH answers. Checking its key.":                {heard: true, opened: true},
		"bach.local at 10.0.0.1 is another computer, or a Pi w": {heard: true, wrong: &WrongKey{Name: "bach.local", Addr: netip.MustParseAddr("10.0.0.1"), Got: "x"}},
	} {
		w := newWaiter(names(), newSigner(t).PublicKey(), 22, newNetwork(), nil)
		a := mdns.Answer{Name: "bach.local", Addr: netip.MustParseAddr("10.0.0.1")}
		w.candidates[a], w.order = &c, []mdns.Answer{a}
		if got := w.describe().Text; !strings.Contains(got, want) {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}

// Each computer once, by its key, at the address that people can read; of those
// only who has an earlier name makes the host take another.
func TestStrangersAreNamedOnce(t *testing.T) {
	w := newWaiter([]string{"bach.local", "bach-2.local", "bach-3.local"}, newSigner(t).PublicKey(), 22, newNetwork(), nil)
	for _, s := range []struct{ name, addr, key string }{
		{"bach.local", "fd00::1", "A"},
		{"bach.local", "10.0.0.1", "A"},
		{"bach-3.local", "10.0.0.3", "C"},
		{"bach-2.local", "10.0.0.4", ""},
		{"bach-2.local", "10.0.0.5", ""},
	} {
		a := mdns.Answer{Name: s.name, Addr: netip.MustParseAddr(s.addr)}
		w.candidates[a] = &candidate{heard: true, wrong: &WrongKey{Name: a.Name, Addr: a.Addr, Got: s.key}}
		w.order = append(w.order, a)
	}
	for got, want := range map[string]string{
		w.strangers(w.names):    "4 other computers answer in its place, with other keys: bach.local at 10.0.0.1, bach-3.local at 10.0.0.3 and 2 more.",
		w.taken("bach-2.local"): "bach.local at 10.0.0.1 is another computer, or a Pi with an old card. So the Pi calls itself bach-2.local. To get the name back, switch off what has it, then restart the Pi and run: piwiz wait bach",
		w.taken("bach.local"):   "bach.local at 10.0.0.1 is another computer, or a Pi with an old card. The name may lead there by mistake: switch it off, or give it another name.",
	} {
		if got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}
