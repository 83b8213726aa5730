package firstboot

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"piwiz/flash/firstboot/mdns"
	"piwiz/flash/firstboot/resolver"
)

// system asks the system's resolver, whatever it is made of. No answer and no
// getent are the same to us, and so is an answer that every name gets.
func system() func(ctx context.Context, name string) []netip.Addr {
	var once sync.Once
	var everything []netip.Addr
	return func(ctx context.Context, name string) []netip.Addr {
		found, _ := resolver.Ask(ctx, name)
		if len(found) > 0 {
			once.Do(func() { everything = resolver.Everything(ctx) })
		}
		return slices.DeleteFunc(usable(found), func(a netip.Addr) bool { return slices.Contains(everything, a) })
	}
}

// usable keeps what a host on the network can have, IPv4 first.
func usable(all []netip.Addr) (found []netip.Addr) {
	for _, a := range all {
		if mdns.Usable(a) && len(found) < mdns.MaxAnswers {
			found = include(found, a)
		}
	}
	return found
}
