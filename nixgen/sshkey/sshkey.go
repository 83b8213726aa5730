// Package sshkey finds the SSH keys that may log in to a Pi, and makes one for
// a user who has none.
//
// Public keys are lines as sshd(8) describes under AUTHORIZED_KEYS FILE
// FORMAT; private keys are in OpenSSH's own format (openssh-portable,
// PROTOCOL.key) or in one of the older ones in PEM.
//
// Rules: a key comes first when ssh, run as the user will run it, logs in with
// it (package offer).
// A key whose private half is somewhere else, or that ssh would not offer, is
// listed behind with the reason, and is never the one chosen beforehand. What
// is no key to log in with is a problem with its place and its remedy, one for
// each file. Nothing that is found is waited for: only regular files are read,
// and the agent gets a limit. No private half leaves this package.
package sshkey

import (
	"fmt"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/shell"
)

// PublicKey is one key that may log in.
type PublicKey struct {
	Type        string // for example ssh-ed25519
	Comment     string
	Fingerprint string   // SHA256:...
	Line        string   // the line for authorized_keys
	Options     []string // those of the line, for example from="10.0.0.0/8"
	Source      string   // a file, or "ssh-agent"
	Use         Use
	Why         string // a sentence without its full stop: why ssh does not log in with it by itself; "" when it does
	File        string // for ssh -i; "" when only the agent has it, or nothing here does
}

// Use says what this computer can do with a key.
type Use int

// The uses, from the least to the most.
const (
	Unknown   Use = iota // typed in, or saved with a host
	Elsewhere            // its private half is not to be had here
	Here                 // its private half is here, but ssh does not offer it by itself
	Offered              // ssh logs in with it
)

// Problem is a file or line that was skipped, and why.
type Problem struct {
	File string
	Line int // from 1; 0 when it is about the whole file
	Err  error
	fault.Todo
}

func (p Problem) Error() string {
	switch {
	case p.File == "" && p.Line > 0:
		return fmt.Sprintf("line %d: %v", p.Line, p.Err)
	case p.File == "":
		return p.Err.Error()
	case p.Line > 0:
		return fmt.Sprintf("%s, line %d: %v", p.File, p.Line, p.Err)
	}
	return p.File + ": " + p.Err.Error()
}

func (p Problem) Unwrap() error { return p.Err }

// run is a hint with a command; %s in it are file names, quoted for the shell.
func run(command string, files ...string) string {
	var quoted []any
	for _, f := range files {
		quoted = append(quoted, shell.Quote(f))
	}
	return "Run: " + fmt.Sprintf(command, quoted...)
}
