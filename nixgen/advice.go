package nixgen

import "fmt"

// Advice is what a user should know about one network before the host is
// built. Ask means that it most likely fails, so that a clear yes is needed.
type Advice struct {
	SSID string
	Text string
	Ask  bool
}

const mixedMode = "In the router's settings, choose WPA2 and WPA3 together, often called mixed or transition mode"

// WifiAdvice is the advice for networks that take WPA3 alone.
func WifiAdvice(b Board, networks []Network) []Advice {
	var out []Advice
	about := b.about()
	for _, n := range networks {
		if isSAE(n) {
			out = append(out, Advice{n.SSID, fmt.Sprintf("%q accepts only WPA3, and %s. %s; or %s.", n.SSID, about.WPA3.Goes, mixedMode, about.byCable()), about.WPA3.Asks})
		}
	}
	return out
}
