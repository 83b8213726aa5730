package nixgen

import (
	"bytes"
	"testing"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// Whoever has put them on the card zeroes them.
func TestSeedsAreNobodyElsesMemory(t *testing.T) {
	id, err := keypair.ForHost("bach")
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(id.Reveal())
	h := Host{Networks: []Network{{SSID: "Home", Security: wifi.WPA2}}}
	psk := map[string]wifi.Secret{"Home": wifi.NewSecret("secret")}
	for range 2 {
		seeds, err := Seeds(h, psk, id)
		if err != nil || len(seeds) != 3 || !bytes.Equal(seeds[0].Data, want) || string(seeds[2].Data) != secretName(h.Networks[0])+"=secret\n" {
			t.Fatalf("%v %v", seeds, err)
		}
		for _, s := range seeds {
			clear(s.Data)
		}
	}
}
