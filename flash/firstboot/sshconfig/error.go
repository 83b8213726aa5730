package sshconfig

import (
	"fmt"
	"time"

	"piwiz/flash/fault"
)

// Kind is why ssh does not say what it will do.
type Kind int

// The kinds.
const (
	None    Kind = iota // there is no ssh
	Refused             // it does not take the settings
	Hung                // it did not say within Limit
	Slow                // it said all but the full name of the host (CanonicalizeHostname)
)

// Error is why ssh does not say what it will do.
type Error struct {
	Kind    Kind
	Host    string
	Said    string // by ssh, when it refuses
	Command string // the program of Match exec that did not end, when it hangs
	fault.Todo
}

// told is the error with its Todo.
func (e Error) told() *Error {
	e.Todo = e.remedy()
	return &e
}

const seconds = int(Limit / time.Second)

func (e *Error) Error() string {
	switch {
	case e.Kind == None:
		return "there is no ssh on this computer, so nobody can log in from here"
	case e.Kind == Refused && e.Said == "":
		return "ssh does not start"
	case e.Kind == Refused:
		return "ssh does not start: " + e.Said
	case e.Kind == Slow:
		return fmt.Sprintf("ssh asks a DNS server for the full name of %s and gets no answer within %d seconds (CanonicalizeHostname in your ssh settings)", e.Host, seconds)
	case e.Command != "":
		return fmt.Sprintf("%s, which your ssh settings run (Match exec), did not end within %d seconds", e.Command, seconds)
	}
	return fmt.Sprintf("ssh did not say within %d seconds what your ssh settings make it do for %s", seconds, e.Host)
}

func (e Error) remedy() fault.Todo {
	see := "run: ssh -G " + e.Host
	switch {
	case e.Kind == None:
		return fault.Todo{"Install OpenSSH's client: the package openssh-client, openssh-clients or openssh."}
	case e.Kind == Refused:
		return fault.Todo{"Correct that line of your ssh settings, then " + see}
	case e.Kind == Slow:
		return fault.Todo{"Put these two lines at the top of ~/.ssh/config: Host *.local, and below it: CanonicalizeHostname no"}
	case e.Command != "":
		return fault.Todo{"Find the line with: grep -rn exec ~/.ssh /etc/ssh --include=*conf*. Put timeout 1 before its command, then " + see}
	}
	return fault.Todo{"To see what it waits for, run: ssh -vvv -G " + e.Host}
}
