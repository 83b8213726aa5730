package firstboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func selfPath(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// A Pi whose configuration.nix says services.openssh.ports = [ 2222 ].
func TestRealAnotherPortThatSSHKnowsIsTriedAndPinned(t *testing.T) {
	for name, c := range map[string]struct{ hosts, config, command, known string }{
		"by the name": {"10.77.0.10 bach.local\n", "Host bach.local\n Port 2222\n", "ssh root@bach.local", "[bach.local]:2222 ssh-ed25519 "},
		"hashed":      {"10.77.0.10 bach.local\n", "Host bach.local\n Port 2222\nHost *\n HashKnownHosts yes\n", "ssh root@bach.local", "|1|"},
		"by Match":    {"10.77.0.10 bach.local\n", "Match host bach.local user root\n Port 2222\n", "ssh root@bach.local", "[bach.local]:2222 ssh-ed25519 "},
		"no resolver": {"", "Host bach.local\n Port 2222\n", "ssh -p 2222 -o HostKeyAlias=bach.local root@10.77.0.10", "[bach.local]:2222 ssh-ed25519 "},
		"an alias":    {"10.77.0.10 bach.local\n", "Host bach.local\n Port 2222\n HostKeyAlias pi\n", "ssh root@bach.local", "pi"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			card, line := h.card()
			h.start("pi", card, "SSH_PORT=2222")
			h.answered("bach")
			d := newDesk(h, card, line)
			d.put("etc/hosts", "127.0.0.1 localhost\n"+c.hosts)
			d.put("root/.ssh/config", c.config+"Host *\n HashKnownHosts no\n")
			d.put("known", "") // comes out
			r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second, Login: []string{"/root/.ssh/id_ed25519"}, Known: filepath.Join(d.dir, "known")})
			t.Logf("%+v", r)
			if r.Err != "" || r.Result.Port != 2222 || !r.Way.Works || r.Way.Command != c.command || last(r.Said) != "in" {
				t.Errorf("error %q, port %d, works %v, %s\n%s", r.Err, r.Result.Port, r.Way.Works, r.Way.Command, r.Said)
			}
			known, err := os.ReadFile(filepath.Join(d.dir, "known"))
			if err != nil || !strings.Contains(string(known), c.known) {
				t.Errorf("known_hosts is %q, %v", known, err)
			}
			name := "[bach.local]:2222"
			if strings.Contains(c.config, "Alias") {
				name = "pi"
			}
			if out, err := exec.Command("ssh-keygen", "-F", name, "-f", filepath.Join(d.dir, "known")).CombinedOutput(); err != nil || !strings.Contains(string(out), strings.Fields(line)[1]) {
				t.Errorf("ssh-keygen finds %q, %v", out, err)
			}
		})
	}
}

// The port is written down while piwiz waits, as it says.
func TestRealAClosedPortIsSaidAndAnotherOneIsLearned(t *testing.T) {
	for name, firewall := range map[string]string{"refused": "true", "dropped": "iptables -A INPUT -p tcp --dport 22 -j DROP; ip6tables -A INPUT -p tcp --dport 22 -j DROP"} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			card, line := h.card()
			h.sh("pi", firewall)
			h.start("pi", card, "SSH_PORT=2222")
			h.answered("bach")
			d := newDesk(h, card, line)
			d.put("start", "(sleep 32; printf '\\nHost bach.local\\n  Port 2222\\n' >> ~/.ssh/config; chmod 600 ~/.ssh/config) &\n")
			r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 60 * time.Second, Login: []string{"/root/.ssh/id_ed25519"}, System: "debian"})
			all := strings.Join(r.Texts, "\n")
			t.Log(all)
			if !strings.Contains(all, "Waiting for its SSH to start") || !strings.Contains(all, "but SSH does not answer there on port 22. It may still be starting. If your configuration.nix gives it another port (services.openssh.ports), put two lines into ~/.ssh/config, and piwiz sees it too: Host bach.local, and below it Port NUMBER") {
				t.Errorf("texts %q", r.Texts)
			}
			if r.Err != "" || r.Result.Port != 2222 || !r.Way.Works || last(r.Said) != "in" {
				t.Errorf("error %q, port %d, %s\n%s", r.Err, r.Result.Port, r.Way.Command, r.Said)
			}
		})
	}
}

func TestRealAPortThatStaysClosedIsTheError(t *testing.T) {
	for name, c := range map[string]struct{ port, what, says string }{
		"closed":  {"2222", "true", "but SSH does not answer there on port 22"},
		"not SSH": {"2222", "setsid python3 -m http.server 22 > /dev/null 2>&1 &", "but what answers there on port 22 does not speak SSH"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			card, line := h.card()
			h.start("pi", card, "SSH_PORT="+c.port)
			h.answered("bach")
			h.sh("pi", c.what)
			r := h.computer(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 8 * time.Second})()
			if !strings.Contains(r.Err, "bach.local is at ") || !strings.Contains(r.Err, c.says) {
				t.Errorf("error %q", r.Err)
			}
		})
	}
}

// A Pi that got no IPv4 address from anybody, and no router told it a prefix.
func TestRealAHostWithALinkLocalAddressAloneIsFoundAndLogsIn(t *testing.T) {
	for name, c := range map[string]struct{ pc, names, start, command, why string }{
		"beside IPv4":     {"true", "", "", "", "does not look up bach.local on the network"},
		"the same here":   {"ip -4 addr flush dev eth0; ip -6 addr del fd77::12/64 dev eth0", "", "", "", "does not look up bach.local on the network"},
		"nss-mdns for v4": {"true", nss, avahi, "", "bach.local has no IPv4 address, and this computer looks up .local names only for IPv4"},
		"nss-mdns for both": {
			"true", "passwd: files\ngroup: files\nhosts: files mdns_minimal [NOTFOUND=return] dns\n",
			strings.Replace(avahi, "enable-dbus=no", "enable-dbus=no\nuse-ipv6=yes", 1), "ssh root@bach.local", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			card, line := h.card()
			h.sh("pi", "ip -4 addr flush dev eth0; ip -6 addr del fd77::10/64 dev eth0")
			h.sh("pc", c.pc)
			h.start("pi", card)
			d := newDesk(h, card, line)
			if c.names != "" {
				d.put("etc/nsswitch.conf", c.names)
			}
			d.put("root/.ssh/config", "HashKnownHosts no\n") // Debian's own settings say yes
			d.put("start", c.start)
			d.put("known", "")
			r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second, Login: []string{"/root/.ssh/id_ed25519"}, System: "debian", Known: filepath.Join(d.dir, "known")})
			t.Logf("%+v", r)
			if r.Err != "" || !r.Way.Works || last(r.Said) != "in" {
				t.Fatalf("error %q, %s\n%s", r.Err, r.Way.Command, r.Said)
			}
			want := c.command
			if want == "" {
				want = "ssh -o HostKeyAlias=bach.local root@" + r.Result.Addrs[0].String()
			}
			if why := strings.Join(r.Way.Why, "\n"); !strings.Contains(why, c.why) || c.why == "" && why != "" {
				t.Errorf("says %q", why)
			}
			if r.Way.Command != want || len(r.Result.Addrs) != 1 || !strings.HasSuffix(r.Result.Addrs[0].String(), "%eth0") {
				t.Errorf("%s, want %s", r.Way.Command, want)
			}
			if known, err := os.ReadFile(filepath.Join(d.dir, "known")); err != nil || !strings.HasPrefix(string(known), "bach.local ssh-ed25519 ") {
				t.Errorf("known_hosts is %q, %v", known, err)
			}
		})
	}
}
