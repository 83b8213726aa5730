// Package resolver says what this computer's own resolver makes of a .local
// name, and why that is not the address of the host.
//
// The resolver is what nsswitch.conf(5) makes it, so it is asked by getent(1),
// which goes the way of every program that uses glibc. Go's own resolver asks
// DNS servers only.
package resolver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Limit is how long a question may take. A name that nobody answers costs
// about 5 s where multicast DNS is asked, and DNS may be asked after it.
const Limit = 12 * time.Second

// most is how many addresses of one name are checked.
const most = 64

// ErrNone: there is no getent to ask with.
var ErrNone = errors.New("getent is not installed")

// Ask gives the addresses that the resolver has for a name, in its order. No
// answer is no error.
func Ask(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, stop := context.WithTimeout(ctx, Limit)
	defer stop()
	cmd := exec.CommandContext(ctx, "getent", "ahosts", name)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, ErrNone
	}
	return parse(string(out)), nil
}

// parse reads lines "ADDRESS TYPE NAME" (getent(1), ahosts).
func parse(text string) (found []netip.Addr) {
	for line := range strings.Lines(text) {
		field, _, _ := strings.Cut(line, " ")
		a, err := netip.ParseAddr(strings.TrimSpace(field))
		if err == nil && len(found) < most && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	return found
}

// Reason is why a .local name does not lead to its host.
type Reason struct {
	Reason  string   // one sentence
	Command string   // a shell line that ends it, or ""
	Todo    []string // what else to do, in sentences
}

// Fix is the command, then what else to do.
func (r Reason) Fix() []string {
	if r.Command == "" {
		return r.Todo
	}
	return append([]string{"To fix it for good, run: " + r.Command}, r.Todo...)
}

// Explain says why name does not lead to the right addresses, though the host
// answers there. system says whether this computer runs one of some systems.
func Explain(ctx context.Context, name string, right []netip.Addr, system func(...string) bool) Reason {
	found, err := Ask(ctx, name)
	switch {
	case err != nil:
		return Reason{Reason: "ssh does not find " + name + " by its name here."}
	case len(found) == 0 && switches().four && avahiRuns() && !slices.ContainsFunc(right, netip.Addr.Is4):
		return fourOnly(name, system)
	case len(found) == 0:
		return silent(ctx, name, system)
	}
	for _, a := range found {
		if n := hostsLine(name, a); n > 0 && !slices.Contains(right, a) {
			return Reason{
				Reason:  fmt.Sprintf("Line %d of /etc/hosts says that %s is at %s, but it is at %s.", n, name, a, right[0]),
				Command: fmt.Sprintf("sudo sed -i %dd /etc/hosts", n),
			}
		}
	}
	if wrong := Everything(ctx); len(wrong) > 0 {
		return everythingIs(ctx, wrong[0], system)
	}
	if slices.ContainsFunc(found, func(a netip.Addr) bool { return slices.Contains(right, a) }) {
		return Reason{Reason: fmt.Sprintf("This computer finds %s at %s, but ssh does not get there by the name.", name, list(found))}
	}
	return Reason{
		Reason: fmt.Sprintf("This computer finds %s at %s, but it is at %s.", name, list(found), right[0]),
		Todo:   []string{"Find out where that comes from: getent ahosts " + name + ", and resolvectl query " + name + " where systemd-resolved runs."},
	}
}

// Inspect says before there is a host whether .local names will be found. nil
// means that nothing speaks against it.
func Inspect(ctx context.Context, system func(...string) bool) *Reason {
	n := switches()
	var r Reason
	switch wrong := Everything(ctx); {
	case len(wrong) > 0:
		r = everythingIs(ctx, wrong[0], system)
	case !n.mdns && !n.resolve, n.mdns && !n.resolve && !avahiRuns(), !n.mdns && n.resolve && !resolvedAsks(ctx):
		r = silent(ctx, ".local names", system)
	default:
		return nil
	}
	return &r
}

// Everything is the answer for a name that nobody can have, if there is one.
func Everything(ctx context.Context) []netip.Addr {
	found, _ := Ask(ctx, "piwiz-"+strings.ToLower(rand.Text())[:12]+".local") // no getent is no answer
	return found
}

func everythingIs(ctx context.Context, a netip.Addr, system func(...string) bool) Reason {
	r := silent(ctx, ".local names", system)
	r.Reason = fmt.Sprintf("Your DNS server answers for every name, even for those that do not exist, with %s.", a)
	r.Todo = append(r.Todo, "Or choose another DNS server in your router or network settings.")
	return r
}

// hostsLine is the line of /etc/hosts, from 1, that gives name this address.
func hostsLine(name string, a netip.Addr) int {
	text, err := os.ReadFile("/etc/hosts")
	if err != nil {
		return 0
	}
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 || !slices.ContainsFunc(f[1:], func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, "."), name) }) {
			continue
		}
		if b, err := netip.ParseAddr(f[0]); err == nil && b == a {
			return i + 1
		}
	}
	return 0
}

func list(all []netip.Addr) string {
	var out []string
	for _, a := range all[:min(len(all), 3)] {
		out = append(out, a.String())
	}
	return strings.Join(out, " and ")
}
