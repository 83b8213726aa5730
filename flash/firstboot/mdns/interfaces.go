package mdns

import (
	"net"
	"os"
	"path/filepath"
)

// leadsOut says whether an interface can lead to another machine: not a tunnel,
// not a bridge that no network card is part of, and not the end of a container
// or virtual machine in one, which has an address of its own soon.
func leadsOut(i net.Interface) bool {
	if i.Flags&net.FlagPointToPoint != 0 {
		return false
	}
	dir := "/sys/class/net/" + i.Name
	there := func(what string) bool { _, err := os.Stat(dir + what); return err == nil }
	switch {
	case there("/device"):
		return true
	case there("/bridge"):
		cards, _ := filepath.Glob(dir + "/brif/*/device") // a name that is a bad pattern has none
		return len(cards) > 0
	}
	return !there("/brport")
}

// families says which kinds of address an interface has. Those without any,
// like the many ends of containers, would use up the 20 groups that Linux
// lets a socket join.
func families(i net.Interface) (has4, has6 bool) {
	addrs, err := i.Addrs()
	if err != nil {
		return false, false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if n.IP.To4() != nil {
				has4 = true
			} else {
				has6 = true
			}
		}
	}
	return has4, has6
}
