package nixgen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
)

// hostile makes strings out of what Nix, shells, terminals and configuration
// files give a meaning to.
func hostile(n int) []string {
	parts := []string{
		`"`, `'`, `''`, `'''`, `$`, `${`, `$${`, `''${`, `${x}`, `}`, `\`, `\\`, `\n`, "\n", "\r", "\t", "\x00", "\x1b[2J", "#", ";", "=", "/*", "*/", "//",
		"`id`", "$(id)", "%s", "\u202e", "\u200f", "\u2028", "\ufeff", "ß", "日本", "😀", "\xff", "\xc3\x28", " ", "a", "Z", "0", "-", "_", ".", "..", "@", "|", "&", "<", ">",
	}
	r := rand.New(rand.NewPCG(26, 5))
	out := append([]string(nil), parts...)
	for len(out) < n {
		var b strings.Builder
		for range 1 + r.IntN(5) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		out = append(out, b.String())
	}
	return out
}

// Nix itself is asked for the values: our own reading of our own text would
// prove nothing.
func TestNixGivesEveryHostileStringBackOrItWasRefused(t *testing.T) {
	if _, err := exec.LookPath("nix-instantiate"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs nix-instantiate")
		}
		t.Skip("needs nix-instantiate: a Nix of any version")
	}
	const total = 500
	given, refused := 0, 0
	h := host(t)
	h.Networks = nil
	h.Keys = nil
	batch := map[string]bool{}
	flush := func() {
		t.Helper()
		if len(batch) == 0 {
			return
		}
		ask(t, h, batch)
		given += len(batch)
		batch = map[string]bool{}
		h.Networks, h.Keys = nil, nil
	}
	for _, s := range hostile(total) {
		ssid := s
		if len(ssid) > 32 {
			ssid = ssid[:32]
		}
		try := host(t)
		try.Networks = []Network{{SSID: ssid, Security: wifi.WPA2}}
		try.Keys = []string{keyOf(s)}
		if p := try.Problems(); len(p) > 0 {
			for _, one := range p {
				if one.Text == "" {
					t.Errorf("%q was refused without a reason", s)
				}
			}
			refused++
			continue
		}
		if batch[ssid] {
			refused++ // a second network of one name is refused
			continue
		}
		batch[ssid] = true
		h.Networks = append(h.Networks, try.Networks[0])
		h.Keys = append(h.Keys, try.Keys[0])
		if len(batch) == maxNetworks {
			flush()
		}
	}
	flush()
	t.Logf("%d came back unchanged, %d were refused with a reason", given, refused)
	if given < total/4 {
		t.Errorf("only %d strings were tried", given)
	}
}

func keyOf(comment string) string {
	return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM x" + comment + "x"
}

func ask(t *testing.T, h Host, ssids map[string]bool) {
	t.Helper()
	files, err := Files(h)
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "piwiz.nix")
	if err := os.WriteFile(module, []byte(files[1].Text), 0o600); err != nil {
		t.Fatal(err)
	}
	expr := fmt.Sprintf(`let m = import %s { lib.mkForce = x: x; pkgs = { coreutils = ""; gnugrep = ""; }; modulesPath = "/m"; };
in { ssids = builtins.attrNames m.networking.wireless.networks; keys = m.users.users.alice.openssh.authorizedKeys.keys; script = m.systemd.services.piwiz-firstboot.script; }`, module)
	cmd := exec.Command("nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-E", expr)
	cmd.Env = append(os.Environ(), "NIX_CONFIG=", "HOME="+t.TempDir())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var got struct {
		SSIDs, Keys []string
		Script      string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.SSIDs) != len(ssids) {
		t.Errorf("%d networks came back, %d went in", len(got.SSIDs), len(ssids))
	}
	for _, s := range got.SSIDs {
		if !ssids[s] {
			t.Errorf("Nix gives back %q, which nobody asked for", s)
		}
	}
	for i, k := range got.Keys {
		if k != h.Keys[i] {
			t.Errorf("key %q came back as %q", h.Keys[i], k)
		}
	}
	if got.Script != firstBoot {
		t.Error("the first boot script came back changed")
	}
}
