package nixgen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

func host(t testing.TB) Host {
	t.Helper()
	return Host{
		Name: "bach", Board: Pi4, User: "alice", Country: "DE", TimeZone: "Europe/Berlin", Locale: "de_DE.UTF-8", Keymap: "de",
		Keys:     []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"},
		Networks: []Network{{SSID: `Home "Net" ${x} ''`, Security: wifi.WPA2}, {SSID: "cafe", Security: wifi.Open}, {SSID: "new", Security: wifi.WPA3, Hidden: true}},
	}
}

func TestHostNamesAreCheckedWithARemedy(t *testing.T) {
	for _, c := range []struct{ in, canonical, word string }{
		{"bach", "bach", ""},
		{" Bach ", "bach", ""},
		{"", "", "Give"},
		{"bach.local", "bach.local", "dot"},
		{"my_pi", "my_pi", "underscore"},
		{"my pi", "my pi", "space"},
		{"-pi", "-pi", "Begin"},
		{"pi-", "pi-", "end"},
		{"bäch", "bäch", "letters a to z"},
		{strings.Repeat("a", 63), strings.Repeat("a", 63), ""},
		{strings.Repeat("a", 64), strings.Repeat("a", 64), "63"},
	} {
		got, complaint := CheckName(c.in)
		if got != c.canonical || (complaint == "") != (c.word == "") || !strings.Contains(complaint, c.word) {
			t.Errorf("CheckName(%q) = %q, %q", c.in, got, complaint)
		}
	}
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	h := Host{Name: "my_pi", User: "root", Board: "5", Country: "Germany", Networks: []Network{{SSID: "a\nb"}, {SSID: "x", Security: wifi.WPA2}, {SSID: "x", Security: wifi.WPA2}}}
	var fields []string
	for _, p := range h.Problems() {
		fields = append(fields, p.Field)
	}
	want := "name user country board keys networks[0].ssid networks[0].security networks[2].ssid"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := Files(h); err == nil {
		t.Error("rendered in spite of problems")
	}
}

// The golden file is the product's text: read a change of it as a reader of
// the preview page would. UPDATE=1 accepts it.
func TestTheModuleReadsAsItShould(t *testing.T) {
	files, err := Files(host(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		golden := filepath.Join("testdata", f.Name+".golden")
		if os.Getenv("UPDATE") == "1" {
			if err := os.WriteFile(golden, []byte(f.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(want) != f.Text {
			t.Errorf("%s differs from %s (%v); run with UPDATE=1 and read the difference", f.Name, golden, err)
		}
	}
}

func TestTheFilesFitAnOrdinaryTerminal(t *testing.T) {
	files, err := Files(host(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for line := range strings.Lines(f.Text) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > 76 && !strings.Contains(line, `"ssh-`) { // keys are long
				t.Errorf("%s: %d columns: %s", f.Name, len(line), line)
			}
		}
	}
}

func TestNoSecretIsInTheFlake(t *testing.T) {
	h := host(t)
	id, _ := keypair.ForHost("bach")
	h.HostKey = id.PublicLine()
	key, _ := wifi.PSK("correct horse", h.Networks[0].SSID)
	psk := map[string]wifi.Secret{h.Networks[0].SSID: key, "new": wifi.NewSecret("battery staple")}
	seeds, err := Seeds(h, psk, id)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := Files(h)
	for _, f := range files {
		for _, secret := range []string{key.Reveal(), "battery staple", "62617474657279", "PRIVATE KEY"} {
			if strings.Contains(f.Text, secret) {
				t.Errorf("%s holds a secret", f.Name)
			}
		}
	}
	if conf := string(seeds[2].Data); conf != secretName(h.Networks[0])+"="+key.Reveal()+"\n" {
		t.Errorf("wireless.conf has %d bytes of the wrong kind", len(conf))
	}
	const sae = "network={\n  ssid=6e6577\n  scan_ssid=1\n  key_mgmt=SAE\n  sae_password=6261747465727920737461706c65\n  ieee80211w=2\n  priority=1\n}\n"
	if conf := string(seeds[3].Data); conf != sae {
		t.Errorf("wpa3.conf has %d bytes of the wrong kind", len(conf))
	}
	if _, err := Seeds(h, nil, id); err == nil || !strings.Contains(err.Error(), "Home") {
		t.Errorf("a missing password: %v", err)
	}
}

func TestFirstBootMovesEverythingAndCanRunAgain(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil && os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a shell (apt-get install dash)")
	}
	dir := t.TempDir()
	firmware, state, ssh := filepath.Join(dir, "piwiz"), filepath.Join(dir, "state"), filepath.Join(dir, "ssh")
	run := func() {
		t.Helper()
		if out, err := exec.Command("sh", "firstboot.sh", firmware, state, ssh).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	read := func(path string, mode os.FileMode) string {
		t.Helper()
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != mode {
			t.Fatalf("%s: %v, %v, want mode %o", path, st, err, mode)
		}
		b, _ := os.ReadFile(path)
		return string(b)
	}
	run() // nothing is there
	for _, name := range []string{"wireless.conf", "wpa3.conf"} {
		if got := read(filepath.Join(state, name), 0o640); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := os.Mkdir(firmware, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"wireless.conf": "psk_00=1\n", "wpa3.conf": "network={}\n", "ssh_host_ed25519_key": "private\n", "ssh_host_ed25519_key.pub": "public\n"} {
		if err := os.WriteFile(filepath.Join(firmware, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		run()
		if read(filepath.Join(state, "wireless.conf"), 0o640) != "psk_00=1\n" ||
			read(filepath.Join(state, "wpa3.conf"), 0o640) != "network={}\n" ||
			read(filepath.Join(ssh, "ssh_host_ed25519_key"), 0o600) != "private\n" ||
			read(filepath.Join(ssh, "ssh_host_ed25519_key.pub"), 0o644) != "public\n" {
			t.Error("not in place")
		}
		if _, err := os.Stat(firmware); !os.IsNotExist(err) {
			t.Errorf("the secrets are still on the firmware partition: %v", err)
		}
	}
	if err := os.Mkdir(firmware, 0o700); err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(filepath.Join(firmware, "ssh_host_ed25519_key"), []byte("other\n"), 0o600)
	run()
	if read(filepath.Join(ssh, "ssh_host_ed25519_key"), 0o600) != "private\n" {
		t.Error("an existing host key was overwritten")
	}
}
