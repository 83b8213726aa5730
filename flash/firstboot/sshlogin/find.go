package sshlogin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/firstboot/resolver"
	"piwiz/flash/firstboot/sshconfig"
)

// most is how often ssh is tried. A server may shut out for a while a computer
// whose logins fail (PerSourcePenalties in sshd_config(5)); few of these do.
const most = 7

// Find puts the host key where ssh looks for it, tries to log in, and says with
// which command that works. Only the end of ctx is an error.
func Find(ctx context.Context, h Host) (Way, error) {
	f := &finder{host: h, addrs: slices.SortedStableFunc(slices.Values(h.Addrs), netip.Addr.Compare)}
	f.way.Command = Plain(h.User, h.Name)
	limit, ok := f.ask(ctx)
	if ctx.Err() != nil {
		return Way{}, ctx.Err()
	}
	if !ok {
		return f.way, nil
	}
	f.pin()
	for range most {
		t, err := try(ctx, limit, f.opts.args(h))
		limit = tryLimit
		if ctx.Err() != nil {
			return Way{}, ctx.Err()
		}
		if err != nil {
			f.why("ssh does not start: " + err.Error() + ".")
			break
		}
		if t.in {
			f.way.Works = true
			f.late()
			break
		}
		if !f.next(ctx, t) {
			break
		}
	}
	f.way.Command = f.opts.command(h)
	if f.opts.address.IsLinkLocalUnicast() && f.opts.address.Is6() {
		f.way.Fix = append(f.way.Fix, "This address works on this computer's "+f.opts.address.Zone()+" only: the Pi got no address from a router. That is normal on a cable between the two; otherwise check the Pi's cable or Wi-Fi.")
	}
	return f.way, nil
}

// ask asks ssh for its settings, and says how long the first trial may take. It
// is false when there is nothing to try.
func (f *finder) ask(ctx context.Context) (time.Duration, bool) {
	limit := tryLimit
	s, err := sshconfig.Ask(ctx, f.host.User, f.host.Name)
	if err != nil {
		switch err.Kind {
		case sshconfig.None:
			f.why("This computer has no ssh.", err.Hints()...)
			return 0, false
		case sshconfig.Refused:
			f.noSettings(err.Said)
		default: // a trial shows whether it comes to an end
			f.slow, limit = err, slowLimit
		}
	}
	if s == nil {
		if s, err = sshconfig.Ask(ctx, f.host.User, f.host.Name, "-F", "none"); s == nil {
			f.why(err.Error()+".", err.Hints()...)
			return 0, false
		}
	}
	f.settings = s
	return limit, true
}

// finder adds one option after the other.
type finder struct {
	host     Host
	addrs    []netip.Addr // IPv4 first: people can read it; ssh checks the key of each
	settings sshconfig.Settings
	slow     *sshconfig.Error // why the settings took too long, or nil
	opts     options
	way      Way
}

func (f *finder) why(what string, fix ...string) {
	if !slices.Contains(f.way.Why, what) {
		f.way.Why = append(f.way.Why, what)
	}
	f.way.Fix = append(f.way.Fix, fix...)
}

// next names what went wrong and adds the option against it. It is false when
// there is none left.
func (f *finder) next(ctx context.Context, t trial) bool {
	proxy, through := f.settings.Proxy()
	right := t.key == ssh.FingerprintSHA256(f.host.Key)
	switch {
	case t.hung && f.hung(t):
		return true
	case t.revoked && right:
		f.revoked()
		return false
	case t.settings && !f.opts.noSettings:
		return f.noSettings(t.last)
	case t.denied && right:
		return f.otherKey(t)
	case t.algo && !f.opts.algorithm:
		f.opts.algorithm = true
		f.why("Your ssh settings do not accept host keys of the Pi's type (HostKeyAlgorithms).", "Add ssh-ed25519 to HostKeyAlgorithms in your ssh settings.")
		return true
	case t.unknown && right && !f.opts.inline:
		f.opts.inline = true
		what := f.way.Known
		if f.way.Line == "" {
			what = "ssh does not find the key of " + f.host.Name + " in the files it reads."
		} else {
			f.way.Known = "" // once is enough
		}
		f.why(what + " The command contains the key.")
		return true
	case t.to.IsValid() && f.right(t) && t.port != f.host.Port && f.opts.port == 0:
		f.opts.port = f.host.Port
		if f.settings.Port() == f.host.Port {
			return true // they say so for the name, and the command has the address
		}
		f.why(fmt.Sprintf("ssh connects to port %d, but the Pi answers on port %d.", t.port, f.host.Port), fmt.Sprintf("In your ssh settings say Port %d for %s.", f.host.Port, f.host.Name))
		return true
	case proxy != "" && !f.opts.direct && !f.opts.noSettings && !right:
		f.opts.direct = true
		f.why("Your ssh settings lead to "+f.host.Name+" through something that does not get there: "+proxy+" "+through+".", "Except "+f.host.Name+" from that in your ssh settings, with "+proxy+" none.")
		return true
	case !right && !f.opts.address.IsValid():
		return f.byAddress(ctx)
	case !right && f.another():
		return true
	case !f.opts.noSettings:
		return f.noSettings(t.last)
	}
	if t.last == "" {
		t.last = "it says nothing; to see what it does, run it with -v"
	}
	f.why("ssh cannot log in with this: " + strings.TrimSuffix(t.last, ".") + ".")
	return false
}

// right says whether ssh connected to an address of the host.
func (f *finder) right(t trial) bool {
	return slices.ContainsFunc(f.host.Addrs, func(a netip.Addr) bool { return a == t.to || a.WithZone("") == t.to })
}

// another takes the next address.
func (f *finder) another() bool {
	i := slices.Index(f.addrs, f.opts.address) + 1
	if i >= len(f.addrs) {
		f.opts.address = f.host.Addrs[0]
		return false
	}
	f.opts.address = f.addrs[i]
	return true
}

func (f *finder) byAddress(ctx context.Context) bool {
	f.opts.address = f.addrs[0]
	if set := f.settings.First("hostname"); !strings.EqualFold(set, f.host.Name) {
		f.why("Your ssh settings lead "+f.host.Name+" to "+set+" (HostName), but it is not there.", "Change HostName in your ssh settings for "+f.host.Name+".")
		return true
	}
	what := resolver.Explain(ctx, f.host.Name, f.host.Addrs, f.host.System)
	f.why(what.Reason, what.Fix()...)
	return true
}
