package sshkey

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"piwiz/nixgen/fault"
)

// agentLimit is how long the agent may take to list its keys.
const agentLimit = 2 * time.Second

// fromAgent lists the keys in the order in which the agent has them. Those
// that the Pi does not accept are not among them.
func fromAgent(ctx context.Context, socket string) ([]PublicKey, *Problem) {
	ctx, stop := context.WithTimeout(ctx, agentLimit)
	defer stop()
	silent := func(what string) *Problem {
		return &Problem{File: "ssh-agent", Err: errors.New(what + ", so its keys are skipped"), Todo: fault.Todo{"Run: ssh-add -l"}}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, silent("it does not answer at " + socket)
	}
	defer conn.Close()
	unhook := context.AfterFunc(ctx, func() { conn.Close() })
	defer unhook()
	keys, err := agent.NewClient(conn).List()
	switch {
	case ctx.Err() != nil:
		return nil, silent("it did not answer within 2 seconds")
	case err != nil:
		return nil, silent("it does not list its keys")
	}
	var found []PublicKey
	for _, k := range keys {
		key, err := ssh.ParsePublicKey(k.Blob)
		if err != nil || usable(key) != nil {
			continue
		}
		p := fromKey(key, k.Comment)
		p.Source = "ssh-agent"
		found = append(found, p)
	}
	return found, nil
}

// oneLine makes a comment of what an agent or a file name has: a line for
// authorized_keys has no room for more than one.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
