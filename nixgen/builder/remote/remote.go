// Package remote lets Nix build on other computers, which it reaches by ssh.
//
// Rule: the connection is made by whoever opens the store. That is the user
// where Nix runs by itself, and root where there is a nix-daemon: then neither
// the user's keys, nor the agent, nor the user's known_hosts count.
package remote

import (
	"net/url"
	"os"
	"regexp"
	"strings"

	"piwiz/nixgen/fault"
)

// Machine is the URL of a store on a computer that builds, as Nix wants it:
// ssh-ng://USER@HOST.
type Machine string

// Host is USER@HOST as ssh wants it.
func (m Machine) Host() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(string(m), "ssh-ng://"), "?")
	return host
}

// parse reads ssh://USER@HOST. USER@ is optional. What follows a question
// mark are Nix's settings of the store, e.g. ?ssh-key=/root/.ssh/id_ed25519.
func parse(text string) (Machine, error) {
	bad := func(headline string, fixes ...string) (Machine, error) {
		return "", &fault.Error{Lacks: true, Headline: headline, Todo: fixes}
	}
	shown := login.ReplaceAllString(text, "//…@") // there may be a password in it
	const form = "Write it as ssh://USER@HOST, for example --builder ssh://root@192.168.1.20"
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ssh" && u.Scheme != "ssh-ng" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return bad(shown+" does not name another computer.", form)
	}
	// Nix splits its list of machines at these, and ssh takes a minus for an option.
	if strings.ContainsAny(text, " \t\r\n;#") || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-") {
		return bad(shown+" is not a valid name of a computer.", form)
	}
	if _, has := u.User.Password(); has {
		return bad("A password cannot be part of "+u.Redacted()+".", "Log in with a key: ssh-copy-id "+u.User.Username()+"@"+u.Host)
	}
	if u.Port() != "" {
		return bad("Nix cannot be told the port in "+shown+".",
			"Put it into ~/.ssh/config, and into /root/.ssh/config where there is a nix-daemon:",
			"  Host "+u.Hostname(), "    Port "+u.Port(),
			"Then leave :"+u.Port()+" out.")
	}
	u.Scheme, u.Path = "ssh-ng", ""
	return Machine(u.String()), nil
}

var login = regexp.MustCompile(`//[^/@]*:[^/]*@`)

// options make nix build for aarch64 on the machines. alone keeps it from building
// anything here.
func options(machines []Machine, alone bool) []string {
	var lines []string
	for _, m := range machines {
		// URL, systems, key (of ssh's choice), jobs at once, speed, features.
		lines = append(lines, string(m)+" aarch64-linux - 4 1 benchmark,big-parallel")
	}
	args := []string{
		"--option", "builders", strings.Join(lines, " ; "),
		// What the cache has goes there straight, not through this computer.
		"--option", "builders-use-substitutes", "true",
	}
	if alone {
		args = append(args, "--option", "max-jobs", "0")
	}
	return args
}

// environ is this computer's environment for a nix that connects by itself: ssh
// must neither ask on the terminal, which is not its own, nor wait for ever for
// a machine that is gone.
func environ() []string {
	ssh := strings.TrimSpace(os.Getenv("NIX_SSHOPTS") + " -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=20")
	return append(os.Environ(), "NIX_SSHOPTS="+ssh)
}
