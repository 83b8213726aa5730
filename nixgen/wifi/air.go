package wifi

import (
	"context"
	"fmt"
	"slices"

	nl "github.com/mdlayher/wifi"
)

// Air returns what the access points in reach say about themselves, by SSID.
// It is what the kernel remembers of the last scan, some 30 seconds, so it may
// be little or nothing; everybody may ask for it (nl80211, NL80211_CMD_GET_SCAN).
func Air(ctx context.Context) (map[string]Evidence, error) {
	c, err := nl.New()
	if err != nil {
		return nil, fmt.Errorf("ask which Wi-Fi networks are in reach: %w", err)
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d) // without it the answer comes a little later at worst
	}
	interfaces, err := c.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("ask which Wi-Fi networks are in reach: %w", err)
	}
	air := map[string]Evidence{}
	for _, i := range interfaces {
		points, err := c.AccessPoints(i)
		if err != nil {
			continue // an interface that cannot have any, such as one for Wi-Fi Direct
		}
		for _, p := range points {
			air[p.SSID] |= offered(p.RSN.AKMs)
		}
	}
	return air, nil
}

// offered is the ways to join with a password, of IEEE 802.11, table 9-151.
func offered(ways []nl.RSNAKM) (e Evidence) {
	if slices.ContainsFunc(ways, func(a nl.RSNAKM) bool {
		return a == nl.RSNAkmPSK || a == nl.RSNAkmFTPSK || a == nl.RSNAkmPSKSHA256
	}) {
		e |= AirPSK
	}
	if slices.ContainsFunc(ways, func(a nl.RSNAKM) bool { return a == nl.RSNAkmSAE || a == nl.RSNAkmFTSAE }) {
		e |= AirSAE
	}
	return e
}
