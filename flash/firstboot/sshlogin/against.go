package sshlogin

import (
	"fmt"
	"strings"
	"time"

	"piwiz/flash/firstboot/sshconfig"
)

// hung adds the option against what ssh waited for in vain. It is false when the
// network may be what was slow.
func (f *finder) hung(t trial) bool {
	switch known := f.settings.First("knownhostscommand"); {
	case !t.to.IsValid() && f.slow != nil && f.slow.Kind == sshconfig.Slow && !f.opts.literal:
		f.opts.literal = true
		f.why(f.slow.Error()+".", f.slow.Hints()...)
	case !t.to.IsValid() && f.slow != nil && f.slow.Kind == sshconfig.Hung && !f.opts.noSettings:
		f.opts.noSettings = true
		f.why(f.slow.Error()+", so the command leaves your ssh settings out.", f.slow.Hints()...)
	case t.to.IsValid() && !t.agreed && known != "" && known != "none" && !f.opts.noCommand && !f.opts.inline && !f.opts.noSettings:
		f.opts.noCommand = true
		f.why(fmt.Sprintf("The command that your ssh settings run for host keys did not end within %d seconds (KnownHostsCommand).", tryLimit/time.Second), "Give that command a limit, with timeout 5 before it, or remove KnownHostsCommand from your ssh settings.")
	case t.agreed && !f.opts.noAgent:
		f.opts.noAgent = true
		f.why(fmt.Sprintf("ssh waits for an answer that does not come within %d seconds. The SSH agent may be stuck.", tryLimit/time.Second), "Ask the agent: ssh-add -l. If that hangs too, log out of this computer and in again.")
	default:
		return false
	}
	return true
}

// late says what makes a login slow that works.
func (f *finder) late() {
	if f.slow != nil && len(f.way.Why) == 0 {
		f.way.Fix = append(f.way.Fix, "This login is slow to start: "+f.slow.Error()+".")
		f.way.Fix = append(f.way.Fix, f.slow.Hints()...)
	}
}

func (f *finder) noSettings(said string) bool {
	f.opts.noSettings = true
	what := "Your ssh settings keep ssh from logging in, so the command leaves them out."
	if said != "" {
		what += " ssh says: " + strings.TrimSuffix(said, ".") + "."
	}
	f.why(what, "Fix your ssh settings, or ask ssh what is wrong: ssh -v "+f.host.User+"@"+f.host.Name)
	return true
}

// otherKey has ssh offer one key alone that the host lets in.
func (f *finder) otherKey(t trial) bool {
	if f.opts.tried == len(f.host.Files) {
		f.opts.identity = ""
		f.why("The Pi accepts none of the keys that ssh offers here. It lets in only the keys that were chosen for it; log in from a computer that has one.",
			"Or add a key of this computer and write the card again: piwiz")
		return false
	}
	if f.opts.identity == "" {
		if t.tooMany {
			f.why("ssh offers so many keys that the Pi closes the connection before the right one.", "Name the key in ~/.ssh/config, below Host "+f.host.Name+": IdentityFile "+f.host.Files[0]+" and IdentitiesOnly yes")
		} else {
			f.why("ssh does not offer the right key by itself.", "Name the key in ~/.ssh/config, below Host "+f.host.Name+": IdentityFile "+f.host.Files[0])
		}
	}
	f.opts.identity = f.host.Files[f.opts.tried]
	f.opts.tried++
	return true
}
