// Package air asks the kernel about Wi-Fi: which access points are in range,
// and which network this computer is on. Everybody may ask, and whichever
// program joined, the kernel knows (nl80211).
package air

import (
	"context"
	"fmt"
	"slices"

	nl "github.com/mdlayher/wifi"

	"piwiz/nixgen/wifi"
)

// Heard returns what the access points in range say about themselves, by SSID.
// It is what the kernel remembers of the last scan, some 30 seconds, so it may
// be little or nothing (NL80211_CMD_GET_SCAN).
func Heard(ctx context.Context) (map[string]wifi.Evidence, error) {
	c, interfaces, err := ask(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask which Wi-Fi networks are in range: %w", err)
	}
	defer c.Close()
	heard := map[string]wifi.Evidence{}
	for _, i := range interfaces {
		points, err := c.AccessPoints(i)
		if err != nil {
			continue // an interface that cannot have any, such as one for Wi-Fi Direct
		}
		for _, p := range points {
			heard[p.SSID] |= offered(p.RSN.AKMs)
		}
	}
	return heard, nil
}

// Connected returns the SSID this computer is on now, or "" when it is on none.
func Connected(ctx context.Context) (string, error) {
	c, interfaces, err := ask(ctx)
	if err != nil {
		return "", fmt.Errorf("ask which Wi-Fi network this computer is on: %w", err)
	}
	defer c.Close()
	for _, i := range interfaces {
		if bss, err := c.BSS(i); err == nil && bss.SSID != "" {
			return bss.SSID, nil
		}
	}
	return "", nil
}

func ask(ctx context.Context) (*nl.Client, []*nl.Interface, error) {
	c, err := nl.New()
	if err != nil {
		return nil, nil, err
	}
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d) // without it the answer comes a little later at worst
	}
	interfaces, err := c.Interfaces()
	if err != nil {
		c.Close()
	}
	return c, interfaces, err
}

// offered is the ways to join with a password, of IEEE 802.11, table 9-151.
func offered(ways []nl.RSNAKM) (e wifi.Evidence) {
	if slices.ContainsFunc(ways, func(a nl.RSNAKM) bool {
		return a == nl.RSNAkmPSK || a == nl.RSNAkmFTPSK || a == nl.RSNAkmPSKSHA256
	}) {
		e |= wifi.AirPSK
	}
	if slices.ContainsFunc(ways, func(a nl.RSNAKM) bool { return a == nl.RSNAkmSAE || a == nl.RSNAkmFTSAE }) {
		e |= wifi.AirSAE
	}
	return e
}
