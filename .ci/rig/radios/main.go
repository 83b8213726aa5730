// Radios is the host's half of radio: it starts the virtual computer, has iwd
// and NetworkManager join access points, writes a host out of what they kept,
// and has wpa_supplicant join as that host. In the guest it is what piwiz asks
// there, as an ordinary user.
package main

import (
	"fmt"
	"os"
	"time"

	"piwiz/nixgen/wifi"
)

// result is a line of the table.
type result struct {
	point
	at        int    // the number of the access point
	by        string // who joined it on this computer
	here      string // how that ended
	kept, how string // what was kept of it, and how piwiz wrote it
	joined    string // how it ended on the Pi
	why       string
}

func main() {
	if len(os.Args) == 2 {
		check(inGuest(os.Args[1]))
		return
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	rig, all := os.Args[1], os.Args[2] == "all"
	if !all {
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

	results, known := withIwd(g, say)
	say("iwd has joined")
	more, others := withNetworkManager(g, all, say)
	say("NetworkManager has joined")
	results, known = append(results, more...), append(known, others...)
	for i := range results {
		r := &results[i]
		for _, k := range known {
			if k.SSID == r.ssid && k.From == r.by {
				r.how = map[wifi.Security]string{wifi.WPA2: "WPA2", wifi.WPA3: "WPA3", wifi.Open: "open"}[k.Security]
				write(rig, i+1, k)
			}
		}
	}
	say("the hosts are written")
	joinWithPi(g, results)
	fmt.Println(must(g.sh("/run/wpa_supplicant -v | head -n 1; nmcli --version")))
	bad := 0
	const row = "%-22s %-14s %-7s %-30s %-6s %-7s %s\n"
	fmt.Printf(row, "access point", "known to", "joined", "kept", "piwiz", "Pi", "")
	for _, r := range results {
		fmt.Printf(row, r.kind, r.by, r.here, r.kept, r.how, r.joined, r.why)
		if r.here != "joined" || r.joined != "joined" || r.how != r.wrote {
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
