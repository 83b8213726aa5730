package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/air"
	"piwiz/nixgen/wifi/iwd"
	"piwiz/nixgen/wifi/networkmanager"
)

// asUser runs what piwiz asks in the guest, where it is an ordinary user.
const asUser = "setpriv --reuid 61000 --regid 61000 --clear-groups /run/radios "

// inGuest prints what piwiz learns there, as JSON.
func inGuest(what string) error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	var out any
	var err error
	switch what {
	case "air":
		out, err = air.Heard(ctx)
	case "connected":
		out, err = air.Connected(ctx)
	case "networkmanager":
		out, err = fromNetworkManager(ctx)
	default:
		err = fmt.Errorf("nothing is called %q", what)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// told is a network on the way out of the guest, with its secret.
type told struct {
	SSID     string
	Security wifi.Security
	Hidden   bool
	Evidence wifi.Evidence
	Secret   string
}

// fromNetworkManager are its networks, decided by what is in the air, with the
// secrets that it gives.
func fromNetworkManager(ctx context.Context) (out []told, err error) {
	found, err := networkmanager.Source{}.Read(ctx)
	if err != nil {
		return nil, err
	}
	heard, err := air.Heard(ctx)
	if err != nil {
		return nil, err
	}
	for ssid, e := range found.Air {
		heard[ssid] |= e
	}
	known, problems := wifi.Weigh(found.Networks, heard)
	for _, p := range append(problems, found.Problems...) {
		return nil, p
	}
	for _, n := range known {
		if n.Kept != "" {
			if n, err = networkmanager.Secret(ctx, n); err != nil {
				return nil, err
			}
		}
		out = append(out, told{n.SSID, n.Security, n.Hidden, n.Evidence, n.Secret.Reveal()})
	}
	return out, nil
}

// join has the program in the guest that is called r.by join. The first scan
// may have missed the network, and a busy machine misses handshakes.
func (r *result) join(g *guest, say func(string, ...any), connect, rescan string) {
	r.here = "-"
	for range 6 {
		out, err := g.sh("%s", connect)
		if err == nil {
			var on string
			check(json.Unmarshal([]byte(must(g.sh("%s", asUser+"connected"))), &on))
			if on == r.ssid {
				r.here = "joined"
				return
			}
			out = fmt.Sprintf("piwiz takes %q for the network in use", on)
		}
		say("%s: %s: %s", r.kind, r.by, strings.Join(strings.Fields(out), " "))
		must(g.sh("%s", rescan))
	}
}

// withIwd has a real iwd join every network, one after the other, and reads
// what it kept.
func withIwd(g *guest, say func(string, ...any)) ([]result, []wifi.Network) {
	must(g.sh("dbus-daemon --system --fork; (/usr/libexec/iwd -i wlan0 > /tmp/share/iwd.log 2>&1 &); " +
		"for i in $(seq 60); do iwctl station wlan0 scan > /dev/null 2>&1 && break; sleep .5; done; [ $i != 60 ]"))
	const scanned = "for i in $(seq 40); do sleep .5; iwctl station wlan0 show | grep -q 'Scanning *no' && break; done"
	must(g.sh(scanned))
	var results []result
	hidden := "" // a scan finds them by their names, and iwd always has it do so
	for i, p := range points {
		verb, pass := "connect", ""
		if p.hidden() {
			verb = "connect-hidden"
			hidden += " ssid " + quoted(p.ssid)
		}
		if p.pass != "" {
			pass = "--passphrase " + quoted(p.pass)
		}
		r := result{point: p, at: i + 1, by: iwd.Name}
		r.join(g, say, fmt.Sprintf("timeout 30 iwctl %s station wlan0 %s %s && iwctl station wlan0 show | grep -q 'State *connected'", pass, verb, quoted(p.ssid)),
			"iwctl station wlan0 scan; "+scanned)
		results = append(results, r)
	}
	must(g.sh("iwctl station wlan0 disconnect; cp -a /var/lib/iwd /tmp/share/iwd; %s", end("iwd")))
	heard := map[string]wifi.Evidence{}
	check(json.Unmarshal([]byte(must(g.sh("ip link set wlan0 up; for i in 1 2 3; do timeout 60 sh -c %s > /tmp/share/scan 2>&1 && break; done; %s", quoted("iw dev wlan0 scan && iw dev wlan0 scan"+hidden), asUser+"air"))), &heard))
	known, problems, err := iwd.Read("share/iwd")
	check(err)
	known, more := wifi.Weigh(known, heard)
	for _, p := range append(problems, more...) {
		say("piwiz: %v", p)
	}
	for i := range results {
		for _, k := range known {
			if k.SSID == results[i].ssid {
				results[i].kept = stored(k.File)
			}
		}
	}
	return results, known
}

// end ends programs in the guest, and waits until they have let go of the radio.
func end(programs ...string) string {
	all := strings.Join(programs, " ")
	return "kill $(pidof " + all + "); for i in $(seq 150); do pidof " + all + " > /dev/null || break; sleep .2; done; [ $i != 150 ]"
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

// withNetworkManager has a real NetworkManager join the networks, all or the
// one that is most often met, completing each profile as a desktop has it do,
// and asks it for them. It has wpa_supplicant do the work, and gets addresses
// from dnsmasq. /sys cannot be written, so that it does not wait for udev.
func withNetworkManager(g *guest, all bool, say func(string, ...any)) ([]result, []wifi.Network) {
	ranges := ""
	for i := range points {
		ranges += fmt.Sprintf(" --dhcp-range=10.0.%[1]d.10,10.0.%[1]d.20,1h", i+1)
	}
	must(g.sh("%s", "rm -rf /etc/NetworkManager; mkdir -p /etc/NetworkManager/system-connections /var/lib/NetworkManager; "+
		`printf '[main]\nplugins=keyfile\ndns=none\nauth-polkit=false\n[keyfile]\nunmanaged-devices=*,except:interface-name:wlan0\n' > /etc/NetworkManager/NetworkManager.conf; `+
		"dnsmasq --conf-file=/dev/null --port=0 --user=root --no-ping --leasefile-ro"+ranges+"; "+
		"(/usr/sbin/wpa_supplicant -u > /tmp/share/supplicant.log 2>&1 &); "+
		"(unshare --mount sh -c 'mount -o remount,bind,ro /sys && exec NetworkManager --debug' > /tmp/share/networkmanager.log 2>&1 &); "+
		"for i in $(seq 120); do nmcli -t -f DEVICE,STATE device | grep -qx wlan0:disconnected && break; sleep .5; done; [ $i != 120 ]"))
	const scan = "nmcli device wifi list --rescan yes > /dev/null"
	must(g.sh(scan))
	var results []result
	for i, p := range points {
		if !all && p.kind != "WPA2 and WPA3" {
			continue
		}
		connect := "nmcli --wait 60 device wifi connect " + quoted(p.ssid)
		if p.pass != "" {
			connect += " password " + quoted(p.pass)
		}
		if p.hidden() {
			connect += " hidden yes"
		}
		r := result{point: p, at: i + 1, by: networkmanager.Name}
		r.join(g, say, connect, scan)
		results = append(results, r)
	}
	var out []told
	check(json.Unmarshal([]byte(must(g.sh("%s", asUser+"networkmanager"))), &out))
	must(g.sh("nmcli device disconnect wlan0; %s", end("NetworkManager", "wpa_supplicant", "dnsmasq")))
	var known []wifi.Network
	for i := range results {
		for _, n := range out {
			if n.SSID == results[i].ssid {
				results[i].kept = map[wifi.Evidence]string{wifi.SavedPSK: "wpa-psk", wifi.SavedSAE: "sae"}[n.Evidence&(wifi.SavedPSK|wifi.SavedSAE)]
				known = append(known, wifi.Network{SSID: n.SSID, Security: n.Security, Hidden: n.Hidden, Secret: wifi.NewSecret(n.Secret), From: networkmanager.Name})
			}
		}
	}
	return results, known
}
