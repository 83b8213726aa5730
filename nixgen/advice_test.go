package nixgen

import (
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
)

func TestWPA3AloneNeedsAYesWhereItMostLikelyFails(t *testing.T) {
	networks := []Network{{SSID: "home", Security: wifi.WPA2}, {SSID: "new", Security: wifi.WPA3}, {SSID: "cafe", Security: wifi.Open}}
	for board, want := range map[Board]struct {
		ask   bool
		words string
	}{
		Zero2W: {true, "Zero 2 W|mixed|USB network adapter"},
		Pi3:    {true, "Raspberry Pi 3|mixed|cable"},
		Pi4:    {false, "Raspberry Pi 4|400|mixed|cable"},
	} {
		got := WifiAdvice(board, networks)
		if len(got) != 1 || got[0].SSID != "new" || got[0].Ask != want.ask {
			t.Fatalf("%s: %+v", board, got)
		}
		for w := range strings.SplitSeq(want.words, "|") {
			if !strings.Contains(got[0].Text, w) {
				t.Errorf("%s: no %q in %s", board, w, got[0].Text)
			}
		}
	}
}
