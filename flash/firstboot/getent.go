package firstboot

import (
	"context"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	"piwiz/flash/firstboot/mdns"
)

// getent asks the system's resolver, whatever it is made of. Go's own asks
// only DNS servers. No answer and no getent are the same to us.
func getent(ctx context.Context, name string) []netip.Addr {
	ctx, stop := context.WithTimeout(ctx, askEvery*repeat)
	defer stop()
	cmd := exec.CommandContext(ctx, "getent", "ahosts", name)
	cmd.WaitDelay = time.Second
	out, _ := cmd.Output()
	return parseGetent(string(out))
}

// parseGetent reads lines "ADDRESS TYPE NAME" (getent(1), ahosts).
func parseGetent(text string) (found []netip.Addr) {
	for line := range strings.Lines(text) {
		field, _, _ := strings.Cut(line, " ")
		if a, err := netip.ParseAddr(strings.TrimSpace(field)); err == nil && mdns.Usable(a) && len(found) < mdns.MaxAnswers {
			found = include(found, a)
		}
	}
	return found
}
