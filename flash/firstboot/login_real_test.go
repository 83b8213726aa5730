package firstboot

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/flash/firstboot/sshlogin"
)

// logIn finds the command and runs it as it is shown, in the same environment.
// BatchMode alone is added: a question is a failure.
func logIn(o order, found Result) (sshlogin.Way, string, error) {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	way, err := Login(ctx, o.Want, found, User{Files: o.Login, System: func(ids ...string) bool { return strings.Contains(strings.Join(ids, " "), o.System) }})
	if err != nil {
		return way, "", err
	}
	// The test says where the files of the computer are.
	out, _ := exec.CommandContext(ctx, "sh", "-c", way.Command+" -o BatchMode=yes echo in").CombinedOutput() // judged by what it says
	return way, string(out), nil
}

// desk is a computer with files of its own.
type desk struct {
	h     *home
	dir   string
	card  string // the key that the Pi lets in
	line  string // the Pi's host key
	names string // of the resolvers
}

func newDesk(h *home, card, line string) *desk {
	h.t.Helper()
	rig := os.Getenv("PIWIZ_RIG")
	if rig == "" {
		h.t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	names, err := filepath.Abs(filepath.Join(rig, "resolvers"))
	if err != nil {
		h.t.Fatal(err)
	}
	d := &desk{h: h, dir: h.t.TempDir(), card: card, line: line, names: names}
	d.put("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
	d.put("etc/hosts", "127.0.0.1 localhost\n")
	d.put("etc/resolv.conf", "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
	key, err := os.ReadFile(card)
	if err != nil {
		h.t.Fatal(err)
	}
	d.put("root/.ssh/id_ed25519", string(key))
	d.put("root/.ssh/id_ed25519.pub", pub(h.t, card))
	return d
}

func pub(t *testing.T, card string) string {
	t.Helper()
	text, err := os.ReadFile(card + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (d *desk) put(name, text string) {
	d.h.t.Helper()
	file := filepath.Join(d.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		d.h.t.Fatal(err)
	}
}

// run does an order on it.
func (d *desk) run(o order) result {
	d.h.t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		d.h.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(d.h.rig, "desk"), d.h.pre+"pc", d.dir, d.names, os.Args[0])
	cmd.Env = append(os.Environ(), inside+"="+string(text))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var r result
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		d.h.t.Fatalf("the computer: %v\n%s%s", err, out, said.String())
	}
	return r
}

const (
	avahi = `printf '[server]\nhost-name=desk\nenable-dbus=no\nallow-interfaces=eth0\n' > /run/avahi-daemon/conf
avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title -f /run/avahi-daemon/conf > /dev/null 2>&1 &
sleep 3
`
	nss      = "passwd: files\ngroup: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n"
	dns      = "dnsmasq --no-daemon --no-resolv --no-hosts --user=root --port=53 --listen-address=127.0.0.53 --bind-interfaces "
	wildcard = dns + "--address=/#/203.0.113.5 > /dev/null 2>&1 &\nsleep 1\n"
	claims   = dns + "--address=/local/203.0.113.5 --host-record=x.local,203.0.113.9 --auth-zone=local --auth-server=ns.local > /dev/null 2>&1 &\nsleep 1\n"
	// deaf is a DNS server that never answers, and mute an agent that never does.
	deaf  = "python3 -c 'import socket, time; s = socket.socket(2, 2); s.bind((\"127.0.0.53\", 53)); time.sleep(1000)' &\nsleep 1\n"
	mute  = "export SSH_AUTH_SOCK=/run/systemd/mute\npython3 -c 'import socket, time; s = socket.socket(1, 1); s.bind(\"/run/systemd/mute\"); s.listen(9); time.sleep(1000)' &\nsleep 1\n"
	agent = "eval $(ssh-agent -a /run/systemd/agent) > /dev/null\nfor i in 1 2 3 4 5 6 7; do ssh-keygen -q -t ed25519 -N '' -f /run/systemd/k$i; ssh-add -q /run/systemd/k$i; done\n"
)

// resolved runs systemd-resolved as it is set up with MulticastDNS.
func resolved(mdns string) string {
	return `mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
printf '[Resolve]\nMulticastDNS=` + mdns + `\nDNSStubListener=no\nLLMNR=no\n' > /run/systemd/resolved.conf.d/x.conf
"$names/resolved" > /dev/null 2>&1 &
sleep 2
`
}

func TestRealTheCommandThatIsShownLogsIn(t *testing.T) {
	h := newHome(t)
	card, line := h.card()
	other, otherLine := h.card()
	_ = other
	h.start("pi", card)
	h.answered("bach")
	plain := "ssh root@bach.local"
	byAddress := "ssh -o HostKeyAlias=bach.local root@10.77.0.10"
	tests := []struct {
		name    string
		make    func(*desk)
		command string // "" for any
		why     string // part of the reason
		fix     string
		known   string
	}{
		{"nss-mdns", func(d *desk) { d.put("etc/nsswitch.conf", nss); d.put("start", avahi) }, plain, "", "", "/root/.ssh/known_hosts"},
		{"DNS alone", func(*desk) {}, byAddress, "does not look up bach.local on the network (/etc/nsswitch.conf, hosts: files dns)", "sudo apt install libnss-mdns", ""},
		{"nss-mdns without avahi", func(d *desk) { d.put("etc/nsswitch.conf", nss) }, byAddress, "avahi, which is not running", "systemctl enable --now avahi-daemon", ""},
		{"an old line in hosts", func(d *desk) { d.put("etc/hosts", "127.0.0.1 localhost\n10.9.0.99 x bach.local\n") }, byAddress, "Line 2 of /etc/hosts says that bach.local is at 10.9.0.99", "sed -i 2d /etc/hosts", ""},
		{"DNS that answers everything", func(d *desk) { d.put("start", wildcard) }, byAddress, "answers for every name", "libnss-mdns", ""},
		{"DNS with a zone local", func(d *desk) { d.put("etc/nsswitch.conf", nss); d.put("start", avahi+claims) }, byAddress, "", "", ""},
		{"systemd-resolved without MulticastDNS", func(d *desk) {
			d.put("etc/nsswitch.conf", "passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n")
			d.put("start", resolved("no"))
		}, byAddress, "MulticastDNS", "libnss-mdns", ""},
		{"another file and alias", func(d *desk) {
			d.put("root/.ssh/config", "Host bach.local\n HostKeyAlias pi\n UserKnownHostsFile ~/.ssh/pis ~/.ssh/known_hosts\n HashKnownHosts yes\n")
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
		}, plain, "", "", "/root/.ssh/pis"},
		{"no list of hosts", func(d *desk) {
			d.put("root/.ssh/config", "UserKnownHostsFile /dev/null\n")
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
		}, "", "The command contains the key", "", "no list of known hosts"},
		{"a command of Match exec that hangs", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "Match exec \"sleep 1000\"\n Port 2222\n")
		}, "ssh -F none root@bach.local", "sleep, which your ssh settings run (Match exec), did not end", "timeout 1", ""},
		{"a command of Match exec that takes 4 seconds", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "Match exec \"sleep 4\"\n Compression yes\n")
		}, plain, "", "This login is slow to start: sleep", ""},
		{"a command on the way that hangs", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "ProxyCommand sleep 1000\n")
		}, "ssh -o ProxyJump=none -o ProxyCommand=none root@bach.local", "does not get there: ProxyCommand sleep 1000", "ProxyCommand none", ""},
		{"a command for host keys that hangs", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "KnownHostsCommand /bin/sleep 1000\n")
		}, "ssh -o KnownHostsCommand=none root@bach.local", "did not end within 30 seconds (KnownHostsCommand)", "timeout 5", ""},
		{"full names by a DNS server that is dead", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("etc/resolv.conf", "nameserver 127.0.0.53\n")
			d.put("root/.ssh/config", "CanonicalizeHostname yes\nCanonicalDomains a.example b.example\n")
			d.put("start", deaf)
		}, "ssh -o CanonicalizeHostname=no root@bach.local", "CanonicalizeHostname", "CanonicalizeHostname no", ""},
		{"an agent that does not answer", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("start", mute)
		}, "ssh -o IdentityAgent=none root@bach.local", "The SSH agent may be stuck", "ssh-add -l", ""},
		{
			"many keys in the agent", func(d *desk) { d.put("etc/hosts", "10.77.0.10 bach.local\n"); d.put("start", agent) },
			"ssh -i /root/.ssh/id_ed25519 -o IdentitiesOnly=yes root@bach.local", "so many keys", "IdentitiesOnly yes", "",
		},
		{"a home that cannot be written", func(d *desk) { d.put("etc/hosts", "10.77.0.10 bach.local\n"); d.put("ro", "") }, "", "", "", "could not be added to /root/.ssh/known_hosts: read-only file system."},
		{"nss-mdns, and an address of the link alone in hosts", func(d *desk) { d.put("etc/hosts", "fe80::1 bach.local\n") }, byAddress, "Line 1", "", ""},
		{"systemd-resolved with MulticastDNS", func(d *desk) {
			d.put("etc/nsswitch.conf", "passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n")
			d.put("start", resolved("yes"))
		}, "", "", "", ""},
		{"a revoked key of another", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/known_hosts", "@revoked * "+otherLine+"\n")
		}, plain, "", "", ""},
		{"an old key in the second file", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/known_hosts2", "bach.local "+otherLine+"\n")
		}, plain, "", "", ""},
		{"hashed names", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "HashKnownHosts yes\nStrictHostKeyChecking yes\n")
		}, plain, "", "", ""},
		{"a file name with a blank", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "UserKnownHostsFile \"~/.ssh/known ones\"\n")
		}, plain, "", "", "/root/.ssh/known ones"},
		{"a home that cannot be written, with an old key", func(d *desk) {
			d.put("root/.ssh/known_hosts", "bach.local "+otherLine+"\n")
			d.put("ro", "")
		}, "", "", "", "could not be added to"},
		{"another port in the settings", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "Host *\n Port 2222\n User nobody\n")
		}, "ssh -p 22 root@bach.local", "port 2222", "Port", ""},
		{"another HostName in the settings", func(d *desk) { d.put("root/.ssh/config", "Host bach*\n HostName 10.77.0.99\n") }, byAddress, "HostName", "HostName", ""},
		{"settings that ssh refuses", func(d *desk) { d.put("root/.ssh/config", "Host x\n Bogus yes\n") }, "", "line 2: Bad configuration option: bogus", "", ""},
		{"a jump through nowhere", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "Host *.local\n ProxyJump nobody@127.0.0.9\n")
		}, "", "ProxyJump", "ProxyJump none", ""},
		{"no ed25519 host keys", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "HostKeyAlgorithms rsa-sha2-512\nStrictHostKeyChecking yes\n")
		}, "", "HostKeyAlgorithms", "ssh-ed25519", ""},
		{"another key in the settings", func(d *desk) {
			d.put("etc/hosts", "10.77.0.10 bach.local\n")
			d.put("root/.ssh/config", "IdentityFile ~/.ssh/none\nIdentitiesOnly yes\n")
		}, "ssh -i /root/.ssh/id_ed25519 -o IdentitiesOnly=yes root@bach.local", "does not offer", "IdentityFile", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(&home{t: t, pre: h.pre, dir: t.TempDir(), rig: h.rig}, card, line)
			tt.make(d)
			r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second, Login: []string{"/root/.ssh/id_ed25519"}, System: "debian"})
			all := strings.Join(r.Way.Why, "\n")
			t.Logf("%s\n%s\n%s\n%s", r.Way.Command, all, strings.Join(r.Way.Fix, "\n"), r.Way.Known)
			if r.Err != "" || !r.Way.Works || strings.TrimSpace(last(r.Said)) != "in" {
				t.Errorf("error %q, works %v, it says:\n%s", r.Err, r.Way.Works, r.Said)
			}
			if tt.command != "" && r.Way.Command != tt.command {
				t.Errorf("shows %s, want %s", r.Way.Command, tt.command)
			}
			for part, text := range map[string]string{tt.why: all, tt.fix: strings.Join(r.Way.Fix, "\n"), tt.known: r.Way.Known + all} {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in %q", part, text)
				}
			}
			if tt.command == plain && all != "" {
				t.Errorf("complains of %q", all)
			}
		})
	}
}

func TestRealARevokedKeyIsSaidAndNotGoneAround(t *testing.T) {
	h := newHome(t)
	card, line := h.card()
	h.start("pi", card)
	h.answered("bach")
	d := newDesk(h, card, line)
	d.put("etc/hosts", "10.77.0.10 bach.local\n")
	d.put("root/.ssh/known_hosts", "# x\n@revoked *.local "+line+"\n")
	r := d.run(order{Want: Want{Name: "bach", HostKey: line, User: "root"}, Limit: 30 * time.Second, Login: []string{"/root/.ssh/id_ed25519"}})
	all := strings.Join(append(r.Way.Why, r.Way.Fix...), "\n")
	if r.Err != "" || r.Way.Works || r.Way.Command != "ssh root@bach.local" || !strings.Contains(all, "@revoked in line 2 of /root/.ssh/known_hosts") || !strings.Contains(all, "--new-key") {
		t.Errorf("%+v", r)
	}
}

func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
