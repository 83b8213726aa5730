package firstboot

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sh runs lines of a shell in a namespace of the home.
func (h *home) sh(where, lines string) {
	h.t.Helper()
	if out, err := exec.Command("ip", "netns", "exec", h.pre+where, "sh", "-ec", lines).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", lines, err, out)
	}
}

// startAs starts a Pi with another name than bach.
func (h *home) startAs(pi, host, card string) {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.rig, "pi"), h.pre+pi, host, card, card+".pub")
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it runs until it is ended
}

func TestRealTheThirdHostOfTheNameIsFound(t *testing.T) {
	h := newHome(t)
	file, line := h.card()
	h.startAs("pi2", "bach-3", file) // as avahi calls the third
	r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 20 * time.Second})()
	h.found(r, "bach-3.local", "11")
	if !strings.Contains(r.Result.Hint, "bach-3.local") {
		t.Errorf("hint %q", r.Result.Hint)
	}
}

// A stranger with 100 addresses under the name, more than are kept.
func TestRealACrowdOfImpostorsDoesNotKeepTheHostOut(t *testing.T) {
	h := newHome(t)
	old, _ := h.card()
	file, line := h.card()
	h.sh("pi", "for i in $(seq 100 199); do ip addr add 10.77.0.$i/24 dev eth0; done")
	h.start("pi", old)
	h.answered("bach")
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 40 * time.Second})
	time.Sleep(5 * time.Second)
	h.start("pi2", file)
	r := done()
	h.found(r, "bach-2.local", "11")
	if !strings.Contains(strings.Join(r.Texts, "\n"), "bach.local at 10.77.0.") && !strings.Contains(strings.Join(r.Texts, "\n"), "bach.local at fd77::") {
		t.Errorf("texts %q", r.Texts)
	}
}

func TestRealAFirewallThatBlocksThePortIsSaid(t *testing.T) {
	for name, rule := range map[string]string{"in": "-A INPUT -p udp --dport 5353 -j DROP", "out": "-A OUTPUT -p udp --dport 5353 -j DROP", "all in": "-P INPUT DROP"} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.sh("pc", "iptables "+rule+"; ip6tables "+rule)
			r := h.computer(order{Want: Want{Name: "bach", HostKey: testLine(h)}, Limit: 7 * time.Second})()
			if all := strings.Join(r.Texts, "\n"); r.Err == "" || !strings.Contains(all, "A firewall on this computer blocks UDP port 5353") {
				t.Errorf("error %q, texts %q", r.Err, r.Texts)
			}
		})
	}
}

func testLine(h *home) string {
	_, line := h.card()
	return line
}

// docker0 with a running container, and no cable. The end of the container gets
// an IPv6 address of the link after a while; that leads nowhere either.
func TestRealABridgeOfContainersIsNoNetwork(t *testing.T) {
	h := newHome(t)
	h.sh("pc", `ip link set eth0 down
ip link add docker0 type bridge
ip addr add 172.17.0.1/16 dev docker0
ip link add veth1 type veth peer name veth2 netns `+h.pre+`pi2
ip link set veth1 master docker0 up
ip -n `+h.pre+`pi2 link set veth2 up
ip link set docker0 up
for i in $(seq 100); do ip -6 addr show dev veth1 -tentative | grep -q fe80 && break; sleep 0.1; done`)
	file, line := h.card()
	h.start("pi", file)
	done := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second})
	time.Sleep(4 * time.Second)
	h.sh("pc", "ip link set eth0 up")
	r := done()
	h.found(r, "bach.local", "10")
	if !strings.Contains(r.Texts[0], "except to its own containers") {
		t.Errorf("texts %q", r.Texts)
	}
}

// A computer that answers to every name, with SSH on it or not, is not told as
// the Pi.
func TestRealAnAnswerThatEveryNameGetsIsNoAnswer(t *testing.T) {
	h := newHome(t)
	file, line := h.card()
	d := newDesk(h, file, line)
	d.put("start", wildcard)
	r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 4 * time.Second})
	if all := strings.Join(r.Texts, "\n"); r.Err == "" || r.Wrong || strings.Contains(all, "203.0.113.5") || !strings.Contains(all, "Looking for bach.local on your network") {
		t.Errorf("error %q, texts %q", r.Err, r.Texts)
	}
}
