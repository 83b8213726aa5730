package firstboot

import (
	"context"
	"net/netip"

	"piwiz/flash/firstboot/mdns"
	"piwiz/flash/firstboot/resolver"
)

// getent asks the system's resolver, whatever it is made of. No answer and no
// getent are the same to us.
func getent(ctx context.Context, name string) []netip.Addr {
	found, _ := resolver.Ask(ctx, name)
	return usable(found)
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
