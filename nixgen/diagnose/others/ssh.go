package others

import (
	"strings"

	"piwiz/nixgen/diagnose/row"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/nix"
)

// What ssh says, of whomever it connects for. Source: openssh-portable
// sshconnect.c, sshconnect2.c and misc.c.
var (
	keyChanged  = []string{`REMOTE HOST IDENTIFICATION HAS CHANGED`}
	keyUnknown  = []string{`Host key verification failed`, `No .* host key is known`}
	refused     = []string{`Permission denied \(`, `Too many authentication failures`}
	noName      = []string{`Could not resolve hostname`}
	unreachable = []string{`Connection refused`, `Connection timed out`, `Operation timed out`, `No route to host`, `Network is unreachable`}
)

// sshRow is one way in which a builder that was tried by itself does not work.
// HOST and SUDO stand for what this computer has.
type sshRow struct {
	said     []string
	headline string
	why      string
	daemon   string // why, where root's nix-daemon connects
	fixes    []string
}

const asRoot = "Nix's service makes the connection, as root: root's keys and root's known_hosts count, not yours."

// The first that fits counts: ssh's own words come before what Nix makes of
// them.
var sshTable = []sshRow{
	{
		said:     []string{`(?i)not a trusted user|restricted setting`},
		headline: "Nix does not let you choose another computer for building: it does not trust you yet.",
		fixes: []string{
			"Add to /etc/nix/nix.conf (on NixOS: nix.settings.trusted-users): extra-trusted-users = USER",
			"Then: sudo systemctl restart nix-daemon",
		},
	},
	{
		said:     keyChanged,
		headline: "HOST answers with a different key than before.",
		why:      "It was set up again, or something else answers in its place.", daemon: asRoot,
		fixes: []string{"If it was set up again: SUDOssh-keygen -R ADDRESS", "Then log in once and compare the fingerprint: SUDOssh HOST true"},
	},
	{
		said:     keyUnknown,
		headline: "The key of HOST is not known yet, and nobody can confirm it while Nix builds.", daemon: asRoot,
		fixes: []string{"Log in once and compare the fingerprint: SUDOssh HOST true"},
	},
	{
		said:     refused,
		headline: "HOST does not accept the key, or wants a password.",
		why:      "It must be a key without a passphrase, or one that your ssh agent holds.",
		daemon:   asRoot + " It must be a key without a passphrase.",
		fixes: []string{
			"If there is no key yet: SUDOssh-keygen -t ed25519 -N '' -f KEY",
			"Let it in: SUDOssh-copy-id -i KEY HOST",
			"This must then ask nothing: SUDOssh -o BatchMode=yes HOST true",
		},
	},
	{
		said:     noName,
		headline: "There is no computer called ADDRESS.",
		fixes:    []string{"Check the spelling, or use its address: --builder ssh://USERNAME@192.168.1.20"},
	},
	{
		said:     unreachable,
		headline: "HOST does not answer.",
		fixes:    []string{"Is it switched on, and on this network? Try: SUDOssh HOST true"},
	},
	{
		said:     []string{`nix-daemon: (?:command )?not found|nix-daemon: No such file|not found: nix-daemon`},
		headline: "There is no Nix on HOST, or ssh does not find it there.",
		fixes: []string{
			"Try: SUDOssh HOST nix-daemon --version",
			"Install it there: ssh HOST, then " + nix.Install,
		},
	},
	{
		said:     row.Unsigned,
		headline: "HOST does not accept what this computer sends: its Nix does not trust USERNAME.",
		fixes: []string{
			"There, add to /etc/nix/nix.conf (on NixOS: nix.settings.trusted-users): extra-trusted-users = USERNAME",
			"Then, there: sudo systemctl restart nix-daemon",
		},
	},
	{
		said:     []string{`(?s)is required to build|platform mismatch|Required system|Exec format error`},
		headline: "HOST does not build for the Raspberry Pi's processor (aarch64).",
		why:      "Its own processor is another one, and its Nix was not told to emulate.",
		fixes:    []string{"Use a computer with a 64-bit ARM processor, such as a second Raspberry Pi or an ARM machine in the cloud."},
	},
}

// Connection is one to another computer.
type Connection struct {
	Host   string // USER@HOST, or HOST
	Daemon bool   // root's nix-daemon makes it
	Root   bool   // the user is root
}

// Explain says why nothing could be built through it, from what Nix and ssh
// said.
func (c Connection) Explain(said string, err error) *fault.Error {
	user, address, has := strings.Cut(c.Host, "@")
	if !has {
		user, address = "root", c.Host
	}
	sudo, key := "", "~/.ssh/id_ed25519"
	if c.Daemon && !c.Root {
		sudo, key = "sudo ", "/root/.ssh/id_ed25519"
	}
	fill := strings.NewReplacer("HOST", c.Host, "ADDRESS", address, "SUDO", sudo, "KEY", key, "USERNAME", user, "USER", "$USER").Replace
	for _, f := range sshTable {
		if row.Find(f.said, said) == nil {
			continue
		}
		e := &fault.Error{Lacks: true, Headline: fill(f.headline), Why: f.why, Err: err}
		if c.Daemon && f.daemon != "" {
			e.Why = f.daemon
		}
		for _, fix := range f.fixes {
			e.Todo = append(e.Todo, fill(fix))
		}
		return e
	}
	return &fault.Error{
		Lacks:    true,
		Headline: "Nix could not build on " + c.Host + ".",
		Why:      ending(said, 5), Err: err,
		Todo: []string{fill("Try: SUDOssh -o BatchMode=yes HOST nix-daemon --version")},
	}
}

// ending are the last lines of a text that say something.
func ending(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
