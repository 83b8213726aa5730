package remote

import (
	"regexp"
	"strings"

	"piwiz/nixgen/nix"
)

// failure is one way in which it does not work. HOST and SUDO stand for what
// this computer has.
type failure struct {
	said     *regexp.Regexp
	headline string
	why      string
	daemon   string // why, where root's nix-daemon connects
	fixes    []string
}

const asRoot = "Nix's service makes the connection, as root: root's keys and root's known_hosts count, not yours."

// The first that fits counts: ssh's own words come before what Nix makes of
// them.
var failures = []failure{
	{
		said:     regexp.MustCompile(`(?i)not a trusted user|restricted setting`),
		headline: "Nix does not let you choose another computer for building: it does not trust you yet.",
		fixes: []string{
			"Add to /etc/nix/nix.conf (on NixOS: nix.settings.trusted-users): extra-trusted-users = USER",
			"Then: sudo systemctl restart nix-daemon",
		},
	},
	{
		said:     regexp.MustCompile(`REMOTE HOST IDENTIFICATION HAS CHANGED`),
		headline: "HOST answers with another key than it had before.",
		why:      "It was set up anew, or something else answers in its place.", daemon: asRoot,
		fixes: []string{"If it was set up anew: SUDOssh-keygen -R ADDRESS", "Then log in once and compare the fingerprint: SUDOssh HOST true"},
	},
	{
		said:     regexp.MustCompile(`Host key verification failed|No .* host key is known`),
		headline: "The key of HOST is not known yet, and nobody is there to confirm it while Nix builds.", daemon: asRoot,
		fixes: []string{"Log in once and compare the fingerprint: SUDOssh HOST true"},
	},
	{
		said:     regexp.MustCompile(`Permission denied \(|Too many authentication failures`),
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
		said:     regexp.MustCompile(`Could not resolve hostname`),
		headline: "There is no computer called ADDRESS.",
		fixes:    []string{"Check the spelling, or use its address: --builder ssh://USERNAME@192.168.1.20"},
	},
	{
		said:     regexp.MustCompile(`Connection refused|Connection timed out|Operation timed out|No route to host|Network is unreachable`),
		headline: "HOST does not answer.",
		fixes:    []string{"Is it on, and in this network? Try: SUDOssh HOST true"},
	},
	{
		said:     regexp.MustCompile(`nix-daemon: (?:command )?not found|nix-daemon: No such file|not found: nix-daemon`),
		headline: "There is no Nix on HOST, or ssh does not find it there.",
		fixes: []string{
			"Try: SUDOssh HOST nix-daemon --version",
			"Install it there: ssh HOST, then " + nix.Install,
		},
	},
	{
		said:     regexp.MustCompile(`lacks a (?:valid )?signature`),
		headline: "HOST does not take what this computer sends: its Nix does not trust USERNAME.",
		fixes: []string{
			"There, add to /etc/nix/nix.conf (on NixOS: nix.settings.trusted-users): extra-trusted-users = USERNAME",
			"Then, there: sudo systemctl restart nix-daemon",
		},
	},
	{
		said:     regexp.MustCompile(`(?s)is required to build|platform mismatch|Required system|Exec format error`),
		headline: "HOST does not build for the Raspberry Pi's processor (aarch64).",
		why:      "Its own processor is another one, and its Nix was not told to emulate.",
		fixes:    []string{"Use a computer with an ARM processor of 64 bits, such as a second Raspberry Pi or an ARM machine in the cloud."},
	},
}

// explain makes an Error of what Nix and ssh said.
func (c caller) explain(m Machine, said string, err error) *nix.Error {
	user, address, has := strings.Cut(m.Host(), "@")
	if !has {
		user, address = "root", m.Host()
	}
	sudo, key := "", "~/.ssh/id_ed25519"
	if c.daemon && !c.root {
		sudo, key = "sudo ", "/root/.ssh/id_ed25519"
	}
	fill := strings.NewReplacer("HOST", m.Host(), "ADDRESS", address, "SUDO", sudo, "KEY", key, "USERNAME", user, "USER", "$USER").Replace
	for _, f := range failures {
		if !f.said.MatchString(said) {
			continue
		}
		e := &nix.Error{Headline: fill(f.headline), Why: f.why, Err: err}
		if c.daemon && f.daemon != "" {
			e.Why = f.daemon
		}
		for _, fix := range f.fixes {
			e.Fixes = append(e.Fixes, fill(fix))
		}
		return e
	}
	return &nix.Error{
		Headline: "Nix could not build on " + m.Host() + ".",
		Why:      last(said, 5), Err: err,
		Fixes: []string{fill("Try: SUDOssh -o BatchMode=yes HOST nix-daemon --version")},
	}
}

// last are the last lines of a text that say something.
func last(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
