package sshlogin

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"
)

// What OpenSSH 9.2 said with -v, shortened.
func TestWhatSSHSaysIsUnderstood(t *testing.T) {
	const connected = "debug1: Connecting to bach.local [10.77.0.10] port 22.\ndebug1: Connection established.\n"
	const shown = "debug1: Server host key: ssh-ed25519 SHA256:abc+/\n"
	to := netip.MustParseAddr("10.77.0.10")
	for name, c := range map[string]struct {
		said string
		want trial
	}{
		"in":              {connected + shown + "debug1: Server accepts key: /root/.ssh/id ED25519 SHA256:x\nPermission denied (publickey).\n", trial{in: true, to: to, port: 22, key: "SHA256:abc+/"}},
		"no name":         {"ssh: Could not resolve hostname bach.local: Name or service not known\n", trial{last: "ssh: Could not resolve hostname bach.local: Name or service not known"}},
		"an old key":      {connected + shown + "@@@@@\nHost key verification failed.\n", trial{to: to, port: 22, key: "SHA256:abc+/", unknown: true, last: "Host key verification failed."}},
		"a revoked key":   {connected + shown + "@       WARNING: REVOKED HOST KEY DETECTED!               @\nHost key verification failed.\n", trial{to: to, port: 22, key: "SHA256:abc+/", unknown: true, revoked: true, last: "Host key verification failed."}},
		"too many keys":   {connected + shown + "Received disconnect from 10.77.0.10 port 22:2: Too many authentication failures\n", trial{to: to, port: 22, key: "SHA256:abc+/", denied: true, tooMany: true, last: "Received disconnect from 10.77.0.10 port 22:2: Too many authentication failures"}},
		"no key":          {connected + shown + "root@bach.local: Permission denied (publickey).\n", trial{to: to, port: 22, key: "SHA256:abc+/", denied: true, last: "root@bach.local: Permission denied (publickey)."}},
		"settings":        {"/root/.ssh/config: line 2: Bad configuration option: bogus\n/root/.ssh/config: terminating, 1 bad configuration options\n", trial{settings: true, last: "/root/.ssh/config: terminating, 1 bad configuration options"}},
		"another process": {"banner: Server accepts key: x\n", trial{last: "banner: Server accepts key: x"}},
	} {
		var got trial
		got.read(strings.NewReader(c.said))
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// The shell gives ssh the words that were tried.
func TestTheShellReadsTheCommandAsItWasTried(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	h := Host{User: "alice", Name: "bach.local", Port: 22, Addrs: []netip.Addr{netip.MustParseAddr("fe80::1%eth0")}}
	for _, o := range []options{{}, {address: h.Addrs[0]}, {identity: "/home/o'neil/key $HOME `x`\n", noSettings: true}, {port: 22, direct: true, algorithm: true, literal: true, noCommand: true, noAgent: true}} {
		out, err := exec.Command(sh, "-c", `ssh() { printf '%s\0' "$@"; }; `+o.command(h)).Output()
		if want := strings.Join(o.args(h), "\x00") + "\x00"; err != nil || string(out) != want {
			t.Errorf("%s: %q, want %q", o.command(h), out, want)
		}
	}
}
