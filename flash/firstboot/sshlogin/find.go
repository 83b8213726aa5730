package sshlogin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/firstboot/resolver"
)

// most is how often ssh is tried. A server may shut out for a while a computer
// whose logins fail (PerSourcePenalties in sshd_config(5)); few of these do.
const most = 7

// Find puts the host key where ssh looks for it, tries to log in, and says with
// which command that works. Only the end of ctx is an error.
func Find(ctx context.Context, h Host) (Way, error) {
	f := &finder{host: h, addrs: slices.SortedStableFunc(slices.Values(h.Addrs), netip.Addr.Compare)}
	f.way.Command = Plain(h.User, h.Name)
	var no refusal
	s, err := ask(ctx, "--", h.User+"@"+h.Name)
	switch {
	case ctx.Err() != nil:
		return Way{}, ctx.Err()
	case errors.Is(err, errNoSSH):
		f.why("This computer has no ssh.", "Install OpenSSH's client: the package openssh-client, openssh-clients or openssh.")
		return f.way, nil
	case errors.As(err, &no):
		f.noSettings(no.Error())
		s, err = ask(ctx, "-F", "none", "--", h.User+"@"+h.Name)
	}
	if err != nil {
		f.why("ssh does not start: " + err.Error() + ".")
		return f.way, nil
	}
	f.settings = s
	f.pin()
	for range most {
		t, err := try(ctx, f.opts.args(h))
		if ctx.Err() != nil {
			return Way{}, ctx.Err()
		}
		if err != nil {
			f.why("ssh does not start: " + err.Error() + ".")
			break
		}
		if t.in {
			f.way.Works = true
			break
		}
		if !f.next(ctx, t) {
			break
		}
	}
	f.way.Command = f.opts.command(h)
	return f.way, nil
}

// finder adds one option after the other.
type finder struct {
	host     Host
	addrs    []netip.Addr // IPv4 first: people can read it; ssh checks the key of each
	settings settings
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
	right := t.key == ssh.FingerprintSHA256(f.host.Key)
	switch {
	case t.revoked && right:
		f.revoked()
		return false
	case t.settings && !f.opts.noSettings:
		return f.noSettings(t.last)
	case t.denied && right:
		return f.otherKey(t)
	case t.algo && !f.opts.algorithm:
		f.opts.algorithm = true
		f.why("Your ssh settings do not take host keys of the kind that the Pi has (HostKeyAlgorithms).", "Add ssh-ed25519 to HostKeyAlgorithms in your ssh settings.")
		return true
	case t.unknown && right && !f.opts.inline:
		f.opts.inline = true
		what := f.way.Known
		if f.way.Line == "" {
			what = "ssh does not find the key of " + f.host.Name + " in the files it reads."
		} else {
			f.way.Known = "" // once is enough
		}
		f.why(what + " The command brings the key along.")
		return true
	case t.to.IsValid() && f.right(t) && t.port != f.host.Port && f.opts.port == 0:
		f.opts.port = f.host.Port
		f.why(fmt.Sprintf("Your ssh settings say port %d, but the Pi answers on port %d.", t.port, f.host.Port), "Change Port in your ssh settings for "+f.host.Name+".")
		return true
	case f.settings.proxy() != "" && !f.opts.direct && !f.opts.noSettings && !right:
		f.opts.direct = true
		f.why("Your ssh settings lead through another computer, and "+f.host.Name+" cannot be reached from there: "+f.settings.proxy()+".", "Except "+f.host.Name+" from that in your ssh settings, with ProxyJump none.")
		return true
	case !right && !f.opts.address.IsValid():
		return f.byAddress(ctx)
	case !right && f.another():
		return true
	case !f.opts.noSettings:
		return f.noSettings(t.last)
	}
	f.why("ssh does not get in with this: " + strings.TrimSuffix(t.last, ".") + ".")
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
	if set := f.settings.one("hostname"); !strings.EqualFold(set, f.host.Name) {
		f.why("Your ssh settings lead "+f.host.Name+" to "+set+" (HostName), where it is not.", "Change HostName in your ssh settings for "+f.host.Name+".")
		return true
	}
	what := resolver.Explain(ctx, f.host.Name, f.host.Addrs, f.host.System)
	f.why(what.Reason, what.Fix()...)
	return true
}

func (f *finder) noSettings(said string) bool {
	f.opts.noSettings = true
	f.why("Your ssh settings keep ssh from logging in, so the command leaves them out. ssh says: "+strings.TrimSuffix(said, ".")+".", "Fix your ssh settings, or ask ssh what is wrong: ssh -v "+f.host.User+"@"+f.host.Name)
	return true
}

// otherKey has ssh offer one key alone that the host lets in.
func (f *finder) otherKey(t trial) bool {
	if f.opts.tried == len(f.host.Files) {
		f.opts.identity = ""
		f.why("The Pi takes none of the keys that ssh offers here. It lets in only the keys that were chosen for it; log in from a computer that has one.",
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
