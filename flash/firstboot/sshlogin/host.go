// Package sshlogin finds the command that logs in to a host whose address and key
// are verified, in the settings this user has.
//
// The rule: a command is shown as one that works when ssh itself got in with
// it, as far as the server's word that it takes the key. So what decides is the
// resolver, the configuration, the known_hosts and the keys that ssh really
// uses, and nothing here imitates them. The plain command is tried first; what
// stands in its way is named, and one option is added against it, until ssh
// gets in.
//
// A trial writes nothing, asks nothing on the terminal, and shows no key to a
// server that does not hold the host key. It runs what the user's own settings
// run (Match exec, ProxyCommand), as every ssh does, within limits.
package sshlogin

import (
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Host is a host whose address and key are verified.
type Host struct {
	User  string
	Name  string       // that it answers by, "bach.local"
	Addrs []netip.Addr // the verified one first; at least one
	Port  int          // where its SSH answers
	Key   ssh.PublicKey
	// Files are the files of keys that it lets in, the likeliest first: a private
	// key, or its public half when the agent holds the private one.
	Files []string
	// System says whether this computer runs one of these systems, or one made
	// from them (ID and ID_LIKE of os-release(5)).
	System func(ids ...string) bool
}

// Way is how to log in.
type Way struct {
	Command string   // one shell line
	Works   bool     // ssh got in with it
	Why     []string // why it is not the plain command, or what keeps ssh out
	Fix     []string // what makes the plain command work, or ends the trouble
	Known   string   // what became of known_hosts
	Line    string   // the line that could not be put there, or ""
	File    string   // the file that Line belongs into
}

// Text says all of it in lines: what stands in the way, how to log in, what to
// do about it.
func (w Way) Text() []string {
	out := append([]string{}, w.Why...)
	if w.Works {
		out = append(out, "Log in with: "+w.Command)
	} else {
		out = append(out, "This is how to log in when that is fixed: "+w.Command)
	}
	out = append(out, w.Fix...)
	if w.Known != "" {
		out = append(out, w.Known)
	}
	if w.Line != "" {
		out = append(out, "Add this line to "+w.File+": "+w.Line)
	}
	return out
}

// Plain is the command that everybody expects.
func Plain(user, name string) string { return "ssh " + user + "@" + name }

func (h Host) line() string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(h.Key))) }
