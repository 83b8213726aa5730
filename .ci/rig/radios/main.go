// Radios is the host's half of radio: it starts the virtual computer, has iwd
// join each access point, writes a host out of what iwd kept, and has
// wpa_supplicant join as that host. In the guest, "radios air" tells what is in
// the air.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"piwiz/nixgen"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/air"
	"piwiz/nixgen/wifi/iwd"
)

// result is a line of the table.
type result struct {
	point
	iwd, stored, how, joined, why string
}

func main() {
	if os.Args[1] == "air" {
		heard, err := air.Heard(context.Background())
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(heard)
		}
		check(err)
		return
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	rig := os.Args[1]
	if os.Args[2] != "all" {
		points = points[:some]
	}
	for _, old := range []string{"share/iwd", "share/hosts"} {
		check(os.RemoveAll(old))
	}
	configs := ""
	for i, p := range points {
		name := fmt.Sprintf("share/ap%d.conf", i+1)
		check(os.WriteFile(name, []byte(p.hostapd(i+1)), 0o600))
		configs += " /tmp/" + name
	}
	g, err := boot(rig)
	check(err)
	defer g.end()
	say("the guest is up")
	must(g.sh("hostapd -B -t -f /tmp/share/hostapd.log%s", configs))
	for i := range points {
		must(g.sh("ip address add 10.0.%d.1/24 dev wlan%d", i+1, i+1))
	}
	say("%d access points are up", len(points))

	results := joinWithIwd(g, say)
	heard := map[string]wifi.Evidence{}
	check(json.Unmarshal([]byte(must(g.sh("ip link set wlan0 up; iw dev wlan0 scan > /dev/null; setpriv --reuid 61000 --regid 61000 --clear-groups /run/radios air"))), &heard))
	known, problems, err := iwd.Read("share/iwd")
	check(err)
	known, more := wifi.Weigh(known, heard)
	for _, p := range append(problems, more...) {
		say("piwiz: %v", p)
	}
	for i := range results {
		write(rig, i+1, &results[i], known)
	}
	say("the hosts are written")
	joinWithPi(g, results)
	fmt.Println(must(g.sh("/run/wpa_supplicant -v | head -n 1")))
	bad := 0
	const row = "%-22s %-7s %-28s %-6s %-7s %s\n"
	fmt.Printf(row, "access point", "iwd", "iwd kept", "piwiz", "Pi", "")
	for _, r := range results {
		fmt.Printf(row, r.kind, r.iwd, r.stored, r.how, r.joined, r.why)
		if r.iwd != "joined" || r.joined != "joined" || r.how != r.wrote {
			bad++
		}
	}
	say("%d of %d are not as they should be", bad, len(results))
	if bad > 0 {
		g.end()
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "radio:", err)
		os.Exit(1)
	}
}

func must(out string, err error) string {
	check(err)
	return out
}

// joinWithIwd has a real iwd join every network, one after the other, and takes
// what it kept.
func joinWithIwd(g *guest, say func(string, ...any)) []result {
	must(g.sh("dbus-daemon --system --fork; (/usr/libexec/iwd -i wlan0 > /tmp/share/iwd.log 2>&1 &); " +
		"for i in $(seq 60); do iwctl station wlan0 scan > /dev/null 2>&1 && break; sleep .5; done; [ $i != 60 ]"))
	scanned := "for i in $(seq 40); do sleep .5; iwctl station wlan0 show | grep -q 'Scanning *no' && break; done"
	must(g.sh("%s", scanned))
	var results []result
	for _, p := range points {
		r := result{point: p, iwd: "-"}
		verb := "connect"
		if p.hidden() {
			verb = "connect-hidden"
		}
		pass := ""
		if p.pass != "" {
			pass = "--passphrase " + quoted(p.pass)
		}
		for range 3 {
			out, err := g.sh("timeout 30 iwctl %s station wlan0 %s %s && iwctl station wlan0 show | grep -q 'State *connected'", pass, verb, quoted(p.ssid))
			if err == nil {
				r.iwd = "joined"
				break
			}
			say("%s: iwd: %s", p.kind, strings.Join(strings.Fields(out), " "))
			must(g.sh("iwctl station wlan0 scan; %s", scanned))
		}
		results = append(results, r)
	}
	say("iwd has joined")
	must(g.sh("iwctl station wlan0 disconnect; cp -a /var/lib/iwd /tmp/share/iwd; kill $(pidof iwd)"))
	return results
}

// write makes a host that knows this one network, and puts what lies on its
// card, and what nixpkgs makes of its module, into share/hosts/N.
func write(rig string, n int, r *result, known []wifi.Network) {
	for _, k := range known {
		if k.SSID != r.ssid {
			continue
		}
		r.how = map[wifi.Security]string{wifi.WPA2: "WPA2", wifi.WPA3: "WPA3", wifi.Open: "open"}[k.Security]
		r.stored = stored(k.File)
		id, err := sshkey.NewIdentity("bach")
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
		return
	}
}

// stored names the settings in a file of iwd.
func stored(file string) string {
	b, err := os.ReadFile(file)
	check(err)
	short := map[string]string{"PreSharedKey": "key", "Passphrase": "password", "SAE-PT-Group19": "points", "Hidden": "hidden", "DisabledTransitionModes": "no WPA2"}
	var out []string
	for line := range strings.Lines(string(b)) {
		key, _, _ := strings.Cut(line, "=")
		if s := short[key]; s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// atOnce is how many Pis join at the same time: more only get into each other's
// way, as all that they send reaches all radios.
const atOnce = 3

// joinWithPi has a wpa_supplicant join for every host.
func joinWithPi(g *guest, results []result) {
	slots := make(chan int, atOnce)
	for i := range atOnce {
		must(g.sh("ip netns add pi%[1]d && iw phy $(cat /sys/class/net/wlan%[2]d/phy80211/name) set netns name pi%[1]d", i, len(results)+1+i))
		slots <- i
	}
	var all sync.WaitGroup
	for i := range results {
		r := &results[i]
		if r.joined = "-"; r.how == "" {
			continue
		}
		slot := <-slots
		must(g.sh("(ip netns exec pi%[1]d sh /tmp/share/station %[2]d wlan%[3]d > /tmp/share/hosts/%[2]d/log 2>&1; "+
			"touch /tmp/share/hosts/%[2]d/done) > /dev/null 2>&1 &", slot, i+1, len(results)+1+slot))
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
	for range 480 {
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
