package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"piwiz/nixgen"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// write makes a host that knows this one network, and puts what is on its
// card, and what nixpkgs makes of its module, into share/hosts/N.
func write(rig string, n int, k wifi.Network) {
	id, err := keypair.ForHost("bach")
	check(err)
	h := nixgen.Host{
		Name: "bach", Board: nixgen.Pi4, User: "alice", Country: "DE", Keys: []string{id.PublicLine()}, HostKey: id.PublicLine(),
		Networks: []nixgen.Network{{SSID: k.SSID, Security: k.Security, Hidden: k.Hidden}},
	}
	files, err := nixgen.Files(h)
	check(err)
	seeds, err := nixgen.Seeds(h, map[string]wifi.Secret{k.SSID: k.Secret}, id)
	check(err)
	dir, err := filepath.Abs(fmt.Sprintf("share/hosts/%d", n))
	check(err)
	for _, s := range seeds {
		check(os.MkdirAll(filepath.Dir(filepath.Join(dir, s.Path)), 0o755))
		check(os.WriteFile(filepath.Join(dir, s.Path), s.Data, 0o600))
	}
	for _, f := range files {
		check(os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Text), 0o644))
	}
	w, err := evaluate(rig, filepath.Join(dir, "piwiz.nix"))
	check(err)
	conf, arguments := w.conf()
	check(os.WriteFile(filepath.Join(dir, "nixos.conf"), []byte(conf), 0o644))
	check(os.WriteFile(filepath.Join(dir, "arguments"), []byte(arguments), 0o644))
}

// atOnce is how many Pis join at the same time: more only get into each other's
// way, as all that they send reaches all radios.
const atOnce = 3

// joinWithPi has a wpa_supplicant join for every host.
func joinWithPi(g *guest, results []result) {
	slots := make(chan int, atOnce)
	for i := range atOnce {
		must(g.sh("ip netns add pi%[1]d && iw phy $(cat /sys/class/net/wlan%[2]d/phy80211/name) set netns name pi%[1]d", i, len(points)+1+i))
		slots <- i
	}
	var all sync.WaitGroup
	for i := range results {
		r := &results[i]
		if r.joined = "-"; r.how == "" {
			continue
		}
		slot := <-slots
		must(g.sh("(ip netns exec pi%[1]d sh /tmp/share/station %[2]d %[4]d wlan%[3]d > /tmp/share/hosts/%[2]d/log 2>&1; "+
			"touch /tmp/share/hosts/%[2]d/done) > /dev/null 2>&1 &", slot, i+1, len(points)+1+slot, r.at))
		all.Go(func() {
			r.joined, r.why = waitForPi(fmt.Sprintf("share/hosts/%d/", i+1))
			slots <- slot
		})
	}
	all.Wait()
}

// waitForPi says whether the Pi of a folder has joined, and if not what
// wpa_supplicant said last.
func waitForPi(dir string) (joined, why string) {
	for range 4 * 600 { // who still runs would be in the way of the next
		if _, err := os.Stat(dir + "done"); err == nil {
			break
		}
		time.Sleep(250 * time.Millisecond)
	}
	if out, _ := os.ReadFile(dir + "log"); strings.Contains(string(out), "\nJOINED\n") {
		return "joined", ""
	}
	log, _ := os.ReadFile(dir + "wpa.log")
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "SAE: ") || strings.Contains(line, "EXT PW") || strings.Contains(line, "reason=") {
			why = strings.TrimSpace(line)
		}
	}
	return "-", why
}
