package sshlogin

import (
	"fmt"
	"net/netip"
	"strconv"

	"piwiz/flash/shell"
)

// options are what is added to the plain command.
type options struct {
	noSettings bool       // leave the user's settings out
	address    netip.Addr // name it, not the name
	port       int        // 0: as ssh has it
	direct     bool       // not through another computer
	literal    bool       // do not ask for the full name of the host
	noCommand  bool       // no KnownHostsCommand of the user
	noAgent    bool       // do not ask the agent
	inline     bool       // bring the host key along
	algorithm  bool       // take the kind of host key that there is
	identity   string
	tried      int // how many key files were tried
}

// args are the arguments of ssh.
func (o options) args(h Host) []string {
	var a []string
	add := func(format string, values ...any) { a = append(a, "-o", fmt.Sprintf(format, values...)) }
	if o.noSettings {
		a = append(a, "-F", "none")
	}
	if o.port != 0 || o.noSettings && h.Port != 22 {
		a = append(a, "-p", strconv.Itoa(h.Port))
	}
	if o.direct {
		add("ProxyJump=none")
		add("ProxyCommand=none")
	}
	if o.literal {
		add("CanonicalizeHostname=no")
	}
	if o.noAgent {
		add("IdentityAgent=none")
	}
	if o.algorithm {
		add("HostKeyAlgorithms=ssh-ed25519")
	}
	switch {
	case o.inline:
		// %H is the name that ssh looks for (ssh_config(5), TOKENS).
		add("KnownHostsCommand=/usr/bin/env echo %%H %s", h.line())
	case o.noCommand:
		add("KnownHostsCommand=none")
	}
	if o.identity != "" {
		a = append(a, "-i", o.identity)
		add("IdentitiesOnly=yes")
	}
	if !o.address.IsValid() {
		return append(a, h.User+"@"+h.Name)
	}
	add("HostKeyAlias=%s", h.Name)
	return append(a, h.User+"@"+o.address.String())
}

// command is the shell line.
func (o options) command(h Host) string {
	return shell.Line(append([]string{"ssh"}, o.args(h)...)...)
}
