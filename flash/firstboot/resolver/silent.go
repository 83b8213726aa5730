package resolver

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// nss is the line "hosts" of nsswitch.conf(5), as far as .local names go.
type nss struct {
	line    string
	mdns    bool // a module of nss-mdns
	minimal bool // one that keeps silent when DNS has a zone "local"
	four    bool // IPv4 alone is asked for
	resolve bool // systemd-resolved
}

func switches() nss {
	text, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil {
		return nss{line: "dns [!UNAVAIL=return] files"} // the default of glibc
	}
	return parseSwitches(string(text))
}

func parseSwitches(text string) (n nss) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		of, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(of) != "hosts" {
			continue
		}
		n = nss{line: strings.Join(strings.Fields(value), " ")}
		for f := range strings.FieldsSeq(value) {
			if strings.HasPrefix(f, "mdns") {
				n.four = strings.HasPrefix(f, "mdns4") && (n.four || !n.mdns)
				n.mdns = true
			}
			n.minimal = n.minimal || strings.HasPrefix(f, "mdns") && strings.HasSuffix(f, "_minimal")
			n.resolve = n.resolve || f == "resolve"
		}
	}
	return n
}

// silent says why nobody here asks the network for .local names. The packages
// are those of the systems of 2026.
func silent(ctx context.Context, name string, system func(...string) bool) Reason {
	n := switches()
	switch {
	case n.mdns && !avahiRuns():
		return Reason{Reason: "This computer looks up " + name + " through avahi, which is not running.", Command: "sudo systemctl enable --now avahi-daemon"}
	case n.mdns && n.minimal:
		return Reason{
			Reason: "avahi runs, but " + name + " is not looked up on the network: your DNS server may claim the names in .local for itself (host -t SOA local).",
			Todo:   []string{"In /etc/nsswitch.conf put mdns4 in place of mdns4_minimal, and write two lines into /etc/mdns.allow: .local. and .local"},
		}
	case n.mdns:
		return Reason{Reason: "avahi runs, but gives no address for " + name + ".", Todo: []string{"Restart it: sudo systemctl restart avahi-daemon"}}
	case n.resolve && resolvedRuns():
		r := Reason{Reason: "systemd-resolved looks up " + name + ", and it does not ask the network (MulticastDNS)."}
		if r.Command = mdnsPackage(system); r.Command == "" {
			r.Command = `printf '[Resolve]\nMulticastDNS=yes\n' | sudo install -D -m 644 /dev/stdin /etc/systemd/resolved.conf.d/mdns.conf && sudo systemctl restart systemd-resolved`
			r.Todo = []string{"Then turn it on for your connection: nmcli connection modify CONNECTION connection.mdns yes, or MulticastDNS=yes in its .network file."}
		}
		return r
	}
	r := Reason{Reason: "This computer does not look up " + name + " on the network (/etc/nsswitch.conf, hosts: " + n.line + ").", Command: mdnsPackage(system)}
	switch {
	case system("nixos"):
		r.Todo = []string{"Put this into your configuration.nix, then rebuild: services.avahi = { enable = true; nssmdns4 = true; openFirewall = true; };"}
	case system("arch"):
		r.Command = "sudo pacman -S --needed nss-mdns && sudo systemctl enable --now avahi-daemon"
		r.Todo = []string{"Then in /etc/nsswitch.conf, line hosts, put this before resolve and dns: mdns4_minimal [NOTFOUND=return]"}
	case system("alpine"):
		r.Todo = []string{"Alpine's own resolver cannot do this; use the address."}
	case r.Command == "":
		r.Todo = []string{"Install nss-mdns and avahi from the packages of your system."}
	}
	return r
}

// fourOnly is why a host without an IPv4 address is not found where nss-mdns asks
// for IPv4 alone, as most systems set it up.
func fourOnly(name string, system func(...string) bool) Reason {
	r := Reason{
		Reason: name + " has no IPv4 address, and this computer looks up .local names only for IPv4 (/etc/nsswitch.conf, mdns4).",
		Todo:   []string{"In /etc/nsswitch.conf put mdns_minimal in place of mdns4_minimal, and mdns in place of mdns4."},
	}
	if system("nixos") {
		r.Todo = []string{"Put this into your configuration.nix, then rebuild: services.avahi.nssmdns6 = true;"}
	}
	return r
}

// mdnsPackage is the command that makes .local names work where installing a
// package is all that it takes.
func mdnsPackage(system func(...string) bool) string {
	switch {
	case system("debian", "ubuntu"):
		return "sudo apt install libnss-mdns"
	case system("fedora", "rhel"):
		return "sudo dnf install nss-mdns avahi && sudo systemctl enable --now avahi-daemon"
	case system("suse", "opensuse"):
		return "sudo zypper install nss-mdns avahi && sudo systemctl enable --now avahi-daemon"
	}
	return ""
}

func avahiRuns() bool { return exists("/run/avahi-daemon/socket") }

func resolvedRuns() bool { return exists("/run/systemd/resolve") }

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// resolvedAsks says whether systemd-resolved asks the network on any link. When
// that cannot be known, it is taken to.
func resolvedAsks(ctx context.Context) bool {
	if !resolvedRuns() {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, "resolvectl", "mdns")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return err != nil || asks(string(out))
}

// asks reads "Global: yes", "Link 2 (eth0): no", one a line. It takes both the
// global setting and that of a link.
func asks(text string) bool {
	global, link := false, false
	for line := range strings.Lines(text) {
		of, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		on := value == "yes" || value == "resolve"
		global = global || of == "Global" && on
		link = link || strings.HasPrefix(of, "Link ") && on
	}
	return global && link
}
