package nixgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// The golden file is what piwiz rendered before it noted releases and names.
func TestAHostMadeBeforeKeepsItsModule(t *testing.T) {
	files, err := Files(host(t).Before())
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "piwiz.nix.before.golden"))
	if err != nil || string(want) != files[1].Text {
		t.Errorf("the module of an old host changed: %v\n%s", err, files[1].Text)
	}
}

func TestReleaseAndStateVersionBelongToTheHost(t *testing.T) {
	text := func(h Host) string {
		t.Helper()
		files, err := Files(h)
		if err != nil {
			t.Fatal(err)
		}
		return files[0].Text + files[1].Text + files[2].Text
	}
	h := host(t)
	h.Release, h.StateVersion = "25.11", "25.05"
	for _, again := range []Host{h, h.Born(), h.Before(), h.Born().Before().Born(), host(t).Inherit(h), h.Written()} {
		got := text(again)
		if !strings.Contains(got, "nixos-25.11") || !strings.Contains(got, `stateVersion = "25.05"`) || !strings.Contains(got, "channel=25.11") || strings.Contains(got, Release) {
			t.Errorf("another release:\n%s", got)
		}
	}
	// A release that is chosen later does not change what the host was made with.
	newer := host(t)
	newer.Release = "26.11"
	if got := newer.Inherit(h); got.Release != "26.11" || got.StateVersion != "25.05" {
		t.Errorf("%s, %s", got.Release, got.StateVersion)
	}
	if got := newer.Born(); got.StateVersion != "26.11" {
		t.Errorf("made with %s", got.StateVersion)
	}
	for _, c := range []struct{ release, state, field string }{
		{"26.06", "", "release"},
		{"unstable", "", "release"},
		{"24.11", "", "release"},
		{"26.05 ", "", "release"},
		{"26.05", "26.11", "state_version"},
		{"", "26.11", "state_version"},
		{"26.05", "x", "state_version"},
	} {
		h := host(t)
		h.Release, h.StateVersion = c.release, c.state
		if p := h.Problems(); len(p) != 1 || p[0].Field != c.field {
			t.Errorf("%q, %q: %v", c.release, c.state, p)
		}
	}
}

// lookedUp is the secret of a name as wpa_supplicant finds it: the first line
// whose name begins the one that is asked for (hostap, src/utils/ext_password_file.c).
func lookedUp(conf []byte, name string) string {
	for line := range strings.Lines(string(conf)) {
		if key, secret, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, key) {
			return secret
		}
	}
	return ""
}

var asked = regexp.MustCompile(`networks\."(\w+)" = \{\n\s+pskRaw = "ext:(\w+)"`)

// However the networks of a host change, and whatever was written to the card
// that the Pi runs from: no network gets the key of another.
func TestSecretsFollowTheirNetwork(t *testing.T) {
	id, err := keypair.ForHost("bach")
	if err != nil {
		t.Fatal(err)
	}
	psk := map[string]wifi.Secret{}
	for i := range 12 {
		psk[fmt.Sprintf("net%d", i)] = wifi.NewSecret(fmt.Sprintf("key of net%d", i))
	}
	conf := func(h Host) []byte {
		t.Helper()
		seeds, err := Seeds(h, psk, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seeds {
			if s.Path == "piwiz/wireless.conf" {
				return s.Data
			}
		}
		return nil
	}
	r := rand.New(rand.NewPCG(11, 4))
	for _, old := range []bool{false, true} {
		for range 20 {
			h := host(t)
			h.Networks = nil
			for _, i := range r.Perm(12)[:1+r.IntN(8)] {
				h.Networks = append(h.Networks, Network{SSID: fmt.Sprintf("net%d", i), Security: []wifi.Security{wifi.WPA2, wifi.WPA2, wifi.Open}[r.IntN(3)]})
			}
			if old {
				h = h.Before()
			}
			pi := conf(h)
			if old { // what that piwiz wrote
				pi = regexp.MustCompile(`net_\w+=.*\n`).ReplaceAll(pi, nil)
			}
			first := map[string]bool{}
			for _, n := range h.Networks {
				first[n.SSID] = n.Security != wifi.Open
			}
			for range 5 {
				next := h
				next.Networks = nil
				for _, i := range r.Perm(12)[:1+r.IntN(8)] {
					next.Networks = append(next.Networks, Network{SSID: fmt.Sprintf("net%d", i), Security: wifi.WPA2})
				}
				h = next.Inherit(h)
				files, err := Files(h)
				if err != nil {
					t.Fatal(err)
				}
				onCard := conf(h)
				all := asked.FindAllStringSubmatch(files[1].Text, -1)
				if len(all) != len(h.Networks) {
					t.Fatalf("%d of %d networks in the module", len(all), len(h.Networks))
				}
				for _, m := range all {
					ssid, want := m[1], psk[m[1]].Reveal()
					if got := lookedUp(onCard, m[2]); got != want {
						t.Fatalf("%s gets %q from a new card", ssid, got)
					}
					if got := lookedUp(pi, m[2]); got != want && got != "" {
						t.Fatalf("%s gets %q from the Pi as it runs", ssid, got)
					}
				}
				// One card later it asks by the new names, and the card has them.
				files, _ = Files(h.Written())
				for _, m := range asked.FindAllStringSubmatch(files[1].Text, -1) {
					if got := lookedUp(onCard, m[2]); got != psk[m[1]].Reveal() || !strings.HasPrefix(m[2], "net_") {
						t.Fatalf("%s gets %q as %s after a card was written", m[1], got, m[2])
					}
				}
			}
		}
	}
	h := host(t).Before()
	h.Networks[0].SecretName = h.Networks[2].SecretName
	if len(h.Problems()) == 0 {
		t.Error("two networks may have one name")
	}
}

func TestNamesOfSecretsHaveOneLength(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2000 {
		name := secretName(Network{SSID: strings.Repeat("x", i%32) + fmt.Sprint(i)})
		if len(name) != len("net_")+16 || seen[name] {
			t.Fatal(name)
		}
		seen[name] = true
	}
	if bytes.HasPrefix([]byte("net_"), []byte("psk_")) {
		t.Error("an old name may be the beginning of a new one")
	}
}
