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

// WifiAdvice is the advice for networks that take WPA3 alone, which the Wi-Fi
// chip of no Pi does well: the firmware of the Zero 2 W and the 3 loses such
// networks, that of the 400 has no SAE (raspberrypi/linux 6130, 7610, 7634).
func WifiAdvice(b Board, networks []Network) []Advice {
	var out []Advice
	for _, n := range networks {
		if !isSAE(n) {
			continue
		}
		a := Advice{SSID: n.SSID}
		switch b {
		case Zero2W:
			a.Ask = true
			a.Text = fmt.Sprintf("%q takes WPA3 alone, and a Zero 2 W most likely cannot join it. %s; or connect the Pi by cable, with a USB network adapter.", n.SSID, mixedMode)
		case Pi3:
			a.Ask = true
			a.Text = fmt.Sprintf("%q takes WPA3 alone, and a Raspberry Pi 3 most likely cannot join it. %s; or connect the Pi by cable (the 3 A+ needs a USB network adapter).", n.SSID, mixedMode)
		default:
			a.Text = fmt.Sprintf("%q takes WPA3 alone. A Raspberry Pi 4 may fail to join it, and a 400 cannot. %s, or connect the Pi by cable.", n.SSID, mixedMode)
		}
		out = append(out, a)
	}
	return out
}
