package firstboot

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/firstboot/sshlogin"
)

// inside is set when this test binary runs itself again as the computer in
// the network of the test: it holds the order as JSON.
const inside = "PIWIZ_FIRSTBOOT_INSIDE"

// order is what the computer should do, report what came of it.
type order struct {
	Want    Want
	Limit   time.Duration
	Answers string   // ask Answers for this name instead
	Login   []string // key files: log in to what was found, too
	System  string   // what this computer is taken for
	Known   string   // a file to copy known_hosts to
}

type result struct {
	Result Result
	Texts  []string
	Err    string
	Wrong  bool
	Addrs  []netip.Addr
	Way    sshlogin.Way
	Said   string // by the command of Way
}

func TestMain(m *testing.M) {
	if name := os.Getenv(impostor); name != "" {
		fmt.Fprintln(os.Stderr, claim(name)) // it runs until it is ended
		os.Exit(1)
	}
	if text := os.Getenv(inside); text != "" {
		if err := obey(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	var r result
	var err error
	if o.Answers != "" {
		r.Addrs, err = Answers(context.Background(), o.Answers, o.Limit)
	} else {
		ctx, stop := context.WithTimeout(context.Background(), o.Limit)
		defer stop()
		r.Result, err = Wait(ctx, o.Want, func(e Event) {
			if n := len(r.Texts); n == 0 || r.Texts[n-1] != e.Text {
				r.Texts = append(r.Texts, e.Text)
			}
		})
	}
	if err == nil && o.Login != nil {
		r.Way, r.Said, err = logIn(o, r.Result)
		if text, bad := os.ReadFile("/root/.ssh/known_hosts"); bad == nil && o.Known != "" {
			err = errors.Join(err, os.WriteFile(o.Known, text, 0o644))
		}
	}
	if err != nil {
		r.Err = err.Error()
		r.Wrong = errors.As(err, new(*WrongKey))
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// home is a home network with this computer and up to two Pis.
type home struct {
	t    *testing.T
	pre  string
	dir  string
	rig  string
	keys int
	more string // other namespaces
}

func newHome(t *testing.T, more ...string) *home {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and network namespaces: set PIWIZ_REAL=1")
	}
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	for tool, pkg := range map[string]string{"avahi-daemon": "avahi-daemon", "sshd": "openssh-server", "ip": "iproute2", "iptables": "iptables", "setpriv": "util-linux"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("needs %s (apt-get install %s)", tool, pkg)
		}
	}
	rig, err := filepath.Abs("../../.ci/rig")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, pre: fmt.Sprintf("f%d", os.Getpid()%100000), dir: t.TempDir(), rig: rig, more: strings.Join(more, " ")}
	h.net("up")
	t.Cleanup(func() { h.net("down") })
	return h
}

func (h *home) net(what string) {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.rig, "net"), what)
	cmd.Env = append(os.Environ(), "PRE="+h.pre, "MORE="+h.more)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("net %s: %v\n%s", what, err, out)
	}
}

// card makes a host key and gives its file and its public line.
func (h *home) card() (file, line string) {
	h.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "root@bach")
	if err != nil {
		h.t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		h.t.Fatal(err)
	}
	h.keys++
	file = filepath.Join(h.dir, fmt.Sprintf("key%d", h.keys))
	line = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	if err := errors.Join(os.WriteFile(file, pem.EncodeToMemory(block), 0o600), os.WriteFile(file+".pub", []byte(line+"\n"), 0o644)); err != nil {
		h.t.Fatal(err)
	}
	return file, line
}

// start switches a Pi with a card on, and gives the way to switch it off.
func (h *home) start(pi, card string, env ...string) (off func()) {
	h.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(h.rig, "pi"), h.pre+pi, "bach", card, card+".pub")
	log, err := os.Create(filepath.Join(h.dir, fmt.Sprintf("%s.%d.log", pi, time.Now().UnixNano())))
	if err != nil {
		h.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	off = func() {
		stop()
		_ = cmd.Wait() // it was killed
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && h.t.Failed() {
			h.t.Logf("%s:\n%s", pi, text)
		}
	}
	h.t.Cleanup(off)
	return off
}

// computer starts an order on the computer; the call of done waits for it.
func (h *home) computer(o order) (done func() result) {
	h.t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", h.pre+"pc", os.Args[0])
	cmd.Env = append(os.Environ(), inside+"="+string(text))
	var out, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	return func() result {
		h.t.Helper()
		var r result
		if err := errors.Join(cmd.Wait(), json.Unmarshal([]byte(out.String()), &r)); err != nil {
			h.t.Fatalf("%v\n%s%s", err, out.String(), problems.String())
		}
		if o.Answers != "" {
			return r
		}
		h.t.Logf("%s at %v after %v, error %q\n  %s", r.Result.Name, r.Result.Addrs, r.Result.Took, r.Err, strings.Join(r.Texts, "\n  "))
		return r
	}
}

// answered waits until the name answers.
func (h *home) answered(name string) []netip.Addr {
	h.t.Helper()
	for range 30 {
		if r := h.computer(order{Answers: name, Limit: 300 * time.Millisecond})(); len(r.Addrs) > 0 {
			return r.Addrs
		}
	}
	h.t.Fatalf("%s does not answer", name)
	return nil
}

// found checks that r is the Pi with the last number of its addresses.
func (h *home) found(r result, name, number string) {
	h.t.Helper()
	if r.Err != "" || r.Result.Name != name {
		h.t.Fatalf("name %q, error %q", r.Result.Name, r.Err)
	}
	for _, a := range r.Result.Addrs {
		if s := a.String(); s != "10.77.0."+number && s != "fd77::"+number && !strings.HasPrefix(s, "fe80::") {
			h.t.Errorf("address %s", s)
		}
	}
}

func TestRealTheHostIsFoundAndItsKeyIsRight(t *testing.T) {
	h := newHome(t)
	if r := h.computer(order{Answers: "bach", Limit: 300 * time.Millisecond})(); r.Err != "" || r.Addrs != nil {
		t.Errorf("an empty network answers: %+v", r)
	}
	file, line := h.card()
	h.start("pi", file)
	if a := h.answered("bach"); a[0] != netip.MustParseAddr("10.77.0.10") {
		t.Errorf("answers at %v", a)
	}
	began := time.Now()
	r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 20 * time.Second})()
	h.found(r, "bach.local", "10")
	if r.Result.Took > 5*time.Second {
		t.Errorf("took %v (with the start of the program %v)", r.Result.Took, time.Since(began))
	}
}

func TestRealAWrongKeyIsRefused(t *testing.T) {
	h := newHome(t)
	old, _ := h.card()
	_, line := h.card()
	h.start("pi", old)
	r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 6 * time.Second})()
	if !r.Wrong || !strings.Contains(r.Err, "10.77.0.10") && !strings.Contains(r.Err, "fd77::10") {
		t.Errorf("result %+v", r)
	}
}

func TestRealAHostThatAppearsLaterIsFound(t *testing.T) {
	h := newHome(t)
	file, line := h.card()
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second})
	time.Sleep(3 * time.Second)
	t.Setenv("SSH_LATER", "4")
	h.start("pi", file)
	r := done()
	h.found(r, "bach.local", "10")
	if r.Result.Took < 6*time.Second || r.Result.Took > 12*time.Second {
		t.Errorf("took %v", r.Result.Took)
	}
	if !strings.Contains(strings.Join(r.Texts, "\n"), "Waiting for its SSH to start") {
		t.Errorf("texts %q", r.Texts)
	}
}

func TestRealASecondHostOfTheNameIsFoundAsTheSecond(t *testing.T) {
	h := newHome(t)
	old, _ := h.card()
	file, line := h.card()
	off := h.start("pi", old)
	h.answered("bach")
	off2 := h.start("pi2", file)
	r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 40 * time.Second})()
	h.found(r, "bach-2.local", "11")
	if r.Result.Hint == "" {
		t.Error("nothing is said about the name")
	}
	// Both are switched off before the new one starts again: else it may be found
	// under the second name for as long as its old responder still runs.
	off()
	off2()
	h.start("pi2", file)
	r = h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 40 * time.Second})()
	h.found(r, "bach.local", "11")
}

func TestRealACardChangedWhileWaitingIsFound(t *testing.T) {
	h := newHome(t)
	old, _ := h.card()
	file, line := h.card()
	h.start("pi", old)
	h.answered("bach")
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 40 * time.Second})
	time.Sleep(4 * time.Second)
	h.start("pi", file)
	h.found(done(), "bach.local", "10")
}

// The firewall of NixOS with avahi: only port 5353 is open, and an answer by
// multicast belongs to no connection it knows.
func TestRealAStatefulFirewallLetsTheAnswersIn(t *testing.T) {
	h := newHome(t)
	for _, tool := range []string{"iptables", "ip6tables"} {
		for _, rule := range []string{
			"-i lo -j ACCEPT", "-p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
			"-p ipv6-icmp -j ACCEPT", "-p udp --dport 5353 -j ACCEPT", "-j DROP",
		} {
			if tool == "iptables" && strings.Contains(rule, "ipv6") {
				continue
			}
			args := append([]string{"netns", "exec", h.pre + "pc", tool, "-A", "INPUT"}, strings.Fields(rule)...)
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Fatalf("%s %s: %v\n%s", tool, rule, err, out)
			}
		}
	}
	file, line := h.card()
	h.start("pi", file)
	time.Sleep(6 * time.Second) // the announcements at the start would pass any firewall
	r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 20 * time.Second})()
	h.found(r, "bach.local", "10")
	if r.Result.Took > 5*time.Second {
		t.Errorf("took %v", r.Result.Took)
	}
}

func TestRealTheNetworkComesUpLater(t *testing.T) {
	h := newHome(t)
	file, line := h.card()
	link := func(state string) {
		if out, err := exec.Command("ip", "-n", h.pre+"pc", "link", "set", "eth0", state).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	link("down")
	h.start("pi", file)
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second})
	time.Sleep(4 * time.Second)
	link("up")
	r := done()
	h.found(r, "bach.local", "10")
	if !strings.Contains(r.Texts[0], "no network connection") {
		t.Errorf("texts %q", r.Texts)
	}
}
