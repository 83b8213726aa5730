package firstboot

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/firstboot/mdns"
)

// network is a made-up one: the answers come from the test.
type network struct {
	heard chan mdns.Answer
	asked atomic.Int32
	err   error
}

func (n *network) Ask(context.Context) error   { n.asked.Add(1); return n.err }
func (n *network) Answers() <-chan mdns.Answer { return n.heard }
func (n *network) host(name, addr string) {
	n.heard <- mdns.Answer{Name: name, Addr: netip.MustParseAddr(addr)}
}

func newNetwork() *network { return &network{heard: make(chan mdns.Answer, 8)} }
func names() []string      { return []string{"bach.local", "bach-2.local"} }
func hopeFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve lets an SSH server with this host key listen at an address of this
// computer and gives its port. Port 0 takes a free one.
func serve(t *testing.T, addr string, port uint16, key ssh.Signer) uint16 {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _, _, _ = ssh.NewServerConn(c, config) // the client closes the connection
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestTheHostWithTheRightKeyIsFound(t *testing.T) {
	t.Parallel()
	key, n := newSigner(t), newNetwork()
	port := serve(t, "127.0.0.1", 0, key)
	n.host("bach.local", "127.0.0.1")
	n.host("bach.local", "127.0.0.9")
	var stages []Stage
	var last Event
	w := newWaiter(names(), key.PublicKey(), port, n, func(e Event) {
		if e.Elapsed < last.Elapsed {
			t.Error("time goes back")
		}
		last = e
		stages = append(stages, e.Stage)
	})
	ctx, stop := hopeFor(10 * time.Second)
	defer stop()
	r, err := w.wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "bach.local" || r.Hint != "" || r.Addrs[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("result %+v", r)
	}
	if stages[0] != Looking || last.Stage != KeyChecked || last.Addr != r.Addrs[0] {
		t.Errorf("stages %v, last %+v", stages, last)
	}
}

func TestTheSecondNameIsOursIfTheKeyIs(t *testing.T) {
	t.Parallel()
	key, n := newSigner(t), newNetwork()
	port := serve(t, "127.0.0.1", 0, newSigner(t))
	serve(t, "127.0.0.2", port, key)
	n.host("bach.local", "127.0.0.1")
	time.AfterFunc(300*time.Millisecond, func() { n.host("bach-2.local", "127.0.0.2") })
	ctx, stop := hopeFor(10 * time.Second)
	defer stop()
	var texts strings.Builder
	r, err := newWaiter(names(), key.PublicKey(), port, n, func(e Event) { texts.WriteString(e.Text + "\n") }).wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "bach-2.local" || !strings.Contains(r.Hint, "piwiz wait bach") || len(r.Addrs) != 1 {
		t.Errorf("result %+v", r)
	}
	if !strings.Contains(texts.String(), "bach.local at 127.0.0.1 is another computer") {
		t.Errorf("texts:\n%s", texts.String())
	}
}

func TestAWrongKeyThatStaysIsRefused(t *testing.T) {
	t.Parallel()
	wrong, key, n := newSigner(t), newSigner(t), newNetwork()
	port := serve(t, "127.0.0.1", 0, wrong)
	n.host("bach.local", "127.0.0.1")
	n.host("bach.local", "127.0.0.9") // nothing there: no reason to hope
	w := newWaiter(names(), key.PublicKey(), port, n, nil)
	ctx, stop := hopeFor(1500 * time.Millisecond)
	defer stop()
	_, err := w.wait(ctx)
	var bad *WrongKey
	if !errors.As(err, &bad) {
		t.Fatalf("error %v", err)
	}
	all := err.Error() + strings.Join(bad.Hints(), "\n")
	for _, s := range []string{"bach.local", "127.0.0.1", ssh.FingerprintSHA256(wrong.PublicKey()), ssh.FingerprintSHA256(key.PublicKey()), "older card", "ssh-keyscan"} {
		if !strings.Contains(all, s) {
			t.Errorf("%q is not in\n%s", s, all)
		}
	}
}

func TestAServerWithoutAnEd25519KeyIsAStranger(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork()
	port := serve(t, "127.0.0.1", 0, signer)
	n.host("bach.local", "127.0.0.1")
	ctx, stop := hopeFor(1500 * time.Millisecond)
	defer stop()
	// The time ends before the patience: the reason is told anyway.
	_, err = newWaiter(names(), newSigner(t).PublicKey(), port, n, nil).wait(ctx)
	var bad *WrongKey
	if !errors.As(err, &bad) || bad.Got != "" || !strings.Contains(err.Error(), "without an Ed25519 host key") {
		t.Errorf("error %v", err)
	}
}

func TestACardChangedWhileWaitingIsNoticed(t *testing.T) {
	t.Parallel()
	key, n := newSigner(t), newNetwork()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(newSigner(t))
	go func() { // the old card answers once
		if c, err := l.Accept(); err == nil {
			_, _, _, _ = ssh.NewServerConn(c, config)
			_ = c.Close()
		}
		_ = l.Close()
		serve(t, "127.0.0.1", port, key)
	}()
	n.host("bach.local", "127.0.0.1")
	ctx, stop := hopeFor(20 * time.Second)
	defer stop()
	if r, err := newWaiter(names(), key.PublicKey(), port, n, nil).wait(ctx); err != nil || r.Took < recheck/2 {
		t.Errorf("result %+v, error %v", r, err)
	}
}

func TestTheQuestionIsRepeatedEverySecondUntilTheTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.err = mdns.ErrNoNetwork
		ctx, stop := hopeFor(10*time.Second - time.Millisecond)
		defer stop()
		var last Event
		_, err := newWaiter(names(), newSigner(t).PublicKey(), 22, n, func(e Event) { last = e }).wait(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || n.asked.Load() != 10 {
			t.Errorf("asked %d times, error %v", n.asked.Load(), err)
		}
		if !strings.Contains(last.Text, "no network connection") || last.Elapsed != 9*time.Second {
			t.Errorf("last %+v", last)
		}
	})
}

func TestAnAddressThatNobodyConfirmsIsForgotten(t *testing.T) {
	w := newWaiter(names(), newSigner(t).PublicKey(), 22, newNetwork(), nil)
	old, fresh := mdns.Answer{Name: "bach.local", Addr: netip.MustParseAddr("10.0.0.1")}, mdns.Answer{Name: "bach.local", Addr: netip.MustParseAddr("10.0.0.2")}
	w.candidates[old] = &candidate{seen: time.Now().Add(-2 * forget)}
	w.candidates[fresh] = &candidate{seen: time.Now()}
	w.order = []mdns.Answer{old, fresh}
	w.tidy()
	if len(w.order) != 1 || w.order[0] != fresh || len(w.candidates) != 1 {
		t.Errorf("kept %v", w.order)
	}
}

func TestTheSystemsResolverIsAskedToo(t *testing.T) {
	t.Parallel()
	key, n := newSigner(t), newNetwork()
	n.err = errors.New("port 5353 is in use")
	port := serve(t, "127.0.0.1", 0, key)
	w := newWaiter(names(), key.PublicKey(), port, n, nil)
	w.system = func(_ context.Context, name string) []netip.Addr {
		if name == "bach-2.local" {
			return nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	ctx, stop := hopeFor(10 * time.Second)
	defer stop()
	if r, err := w.wait(ctx); err != nil || r.Name != "bach.local" {
		t.Errorf("result %+v, error %v", r, err)
	}
}

func TestAWishThatMakesNoSenseFailsAtOnce(t *testing.T) {
	line := string(ssh.MarshalAuthorizedKey(newSigner(t).PublicKey()))
	for name, w := range map[string]Want{
		"no key":       {Name: "bach"},
		"two keys":     {Name: "bach", HostKey: line + line},
		"a bad port":   {Name: "bach", HostKey: line, Port: 65536},
		"a long label": {Name: strings.Repeat("a", 64), HostKey: line},
	} {
		if _, err := Wait(context.Background(), w, nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestNamesAreMadeAsTheHostMakesThem(t *testing.T) {
	for _, s := range []string{"Bach", "bach.local", "bach.local.", "BACH.LOCAL"} {
		if got := local(s); got != "bach.local" {
			t.Errorf("%s is %s", s, got)
		}
	}
	if got := ranked("bach.local", 3); got != "bach-3.local" {
		t.Error(got)
	}
	if got := ranked(strings.Repeat("a", 63)+".local", 2); got != strings.Repeat("a", 61)+"-2.local" {
		t.Error(got)
	}
}

// A crowd of strangers under the name is bounded, and makes room for the host.
func TestAStrangerMakesRoomForTheHost(t *testing.T) {
	w := newWaiter(names(), newSigner(t).PublicKey(), 22, newNetwork(), nil)
	for i := range mdns.MaxAnswers {
		a := mdns.Answer{Name: "bach.local", Addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})}
		w.candidates[a] = &candidate{heard: true, wrong: &WrongKey{Name: a.Name, Addr: a.Addr, Got: a.Addr.String()}, next: time.Now().Add(time.Hour)}
		w.order = append(w.order, a)
	}
	first := w.order[0]
	if e := w.describe(); !strings.Contains(e.Text, "64 other computers answer in its place, with other keys: bach.local at 10.0.1.0, bach.local at 10.0.1.1 and 62 more.") {
		t.Errorf("says %q", e.Text)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // no check is wanted
	host := mdns.Answer{Name: "bach-2.local", Addr: netip.MustParseAddr("10.0.0.2")}
	w.hear(ctx, host, true)
	w.checks.Wait()
	if w.candidates[host] == nil || w.candidates[first] != nil || len(w.candidates) != mdns.MaxAnswers || len(w.order) != mdns.MaxAnswers {
		t.Errorf("%d candidates, order %d", len(w.candidates), len(w.order))
	}
}

// A busy stranger misses a check now and then, and is a stranger still.
func TestAStrangerIsGoneOnlyAfterSeveralChecksWithoutAnAnswer(t *testing.T) {
	w := newWaiter(names(), newSigner(t).PublicKey(), 22, newNetwork(), nil)
	a := mdns.Answer{Name: "bach.local", Addr: netip.MustParseAddr("10.0.0.1")}
	c := &candidate{heard: true}
	w.candidates[a], w.order = c, []mdns.Answer{a}
	silent := outcome{of: a, port: 22, err: errors.New("read: i/o timeout")}
	other := outcome{of: a, port: 22, key: newSigner(t).PublicKey()}
	for range 5 {
		w.learn(other)
		for range gone - 1 {
			if w.learn(silent); w.wrong() == nil {
				t.Fatal("it was forgotten")
			}
		}
	}
	if w.learn(silent); w.wrong() != nil {
		t.Error("it is never gone")
	}
}
