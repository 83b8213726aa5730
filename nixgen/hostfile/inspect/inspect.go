// Package inspect reads a saved host from its folder and names all that is
// missing of it, damaged, or not as piwiz made it.
//
// Rules: nothing is changed. All problems are told at once, each with its path,
// what it stands in the way of (Kind), and a remedy in full; a remedy is tried
// by a test where it is a command. Where one part cannot be read the others are
// checked all the same, as far as they can be judged without it.
package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/hostfile/answers"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/shell"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// Found is a saved host as far as it can be read.
type Found struct {
	Host     nixgen.Host
	PSK      map[string]wifi.Secret // by SSID
	Identity keypair.Pair
	Changed  time.Time
}

// inspector checks one host and collects what is wrong.
type inspector struct {
	dir, name string
	problems  []Problem
	blind     bool // the answers could not be read, of a host that was saved once
}

func (in *inspector) add(kind Kind, file string, err error, remedy ...string) {
	in.problems = append(in.problems, Problem{in.path(file), err, kind, remedy})
}

// Host reads a host in a folder of hosts and names all that is wrong with it.
// The host has no name when its answers cannot be used.
func Host(dir, name string) (Found, []Problem) {
	in := &inspector{dir: dir, name: name}
	in.problems = links(dir, name)
	var h Found
	if st, err := os.Stat(in.path()); err != nil || !st.IsDir() {
		if len(in.problems) == 0 {
			in.add(Stop, "", errors.New("this is not a folder"), Command("mv %s ~/", in.path()))
		}
		return Found{}, in.problems
	}
	in.twins()
	// One that somebody wrote by hand never had the rest.
	in.blind = !in.answers(&h) && (layout.Exists(in.path("secrets")) || layout.Exists(in.path("flake", "piwiz.nix")))
	in.wifi(&h)
	in.key(&h)
	in.flake(h)
	in.rights()
	in.leftovers()
	if h.Host.Name != name || layout.IsLink(in.path()) {
		h.Host.Name = ""
	}
	return h, in.problems
}

func (in *inspector) path(elem ...string) string {
	return filepath.Join(append([]string{in.dir, in.name}, elem...)...)
}

// other is the path of another host.
func (in *inspector) other(name string) string { return filepath.Join(in.dir, name) }

func (in *inspector) twins() {
	entries, _ := os.ReadDir(in.dir) // the list itself was read, or says so
	for _, e := range entries {
		if e.Name() != in.name && strings.EqualFold(e.Name(), in.name) {
			in.add(Note, "", fmt.Errorf("there is also %s, whose name differs only in capitals", in.other(e.Name())),
				"Compare the two, and move the wrong one away. "+Command("diff -r %s %s; mv %[2]s ~/", in.path(), in.other(e.Name())))
		}
	}
}

const restore = "Restore it from your backup: piwiz hosts import FILE --replace"

// answers reads host.toml, and tells whether it could be read. Where not, the
// rest is checked anyway, as far as it can be judged.
func (in *inspector) answers(h *Found) bool {
	path := in.path(layout.Answers)
	host, problems, err := answers.ReadSaved(path)
	if st, err := os.Lstat(path); err == nil {
		h.Changed = st.ModTime()
	}
	var link *layout.LinkError
	var wrong *answers.Unreadable
	switch {
	case errors.As(err, &link):
		return false // named already
	case errors.As(err, &wrong):
		for _, one := range wrong.Faults {
			in.add(Stop, layout.Answers, errors.New(one), "Fix the file with an editor: "+shell.Quote(path), restore)
		}
		return false
	case errors.Is(err, fs.ErrNotExist):
		in.add(Stop, layout.Answers, errors.New("it is missing"), restore, "Or forget the host: piwiz hosts forget "+in.name)
		return false
	case durable.IsSystem(err):
		in.add(Stop, layout.Answers, err, Remedy(in.path(), err)...)
		return false
	case isOther(err):
		in.add(Stop, layout.Answers, err, Command("mv %s ~/", path), restore)
		return false
	case err != nil:
		in.add(Stop, layout.Answers, err, "Fix the file with an editor: "+shell.Quote(path), restore)
		return false
	}
	if host.Name != in.name {
		remedy := fmt.Sprintf("Change its name to %s with an editor: %s", in.name, shell.Quote(path))
		if canonical, complaint := nixgen.CheckName(host.Name); complaint == "" && canonical == host.Name && !layout.Exists(in.other(host.Name)) {
			remedy = "Give the folder that name. " + Command("mv %s %s", in.path(), in.other(host.Name))
		}
		in.add(Stop, layout.Answers, fmt.Errorf("it is about %q, but is in the folder of %s", host.Name, in.name), remedy)
	}
	for _, p := range problems {
		kind := Stop
		if p.Mild {
			kind = Note
		}
		in.add(kind, layout.Answers, errors.New(p.String()), "Fix the file with an editor: "+shell.Quote(path))
	}
	h.Host = host
	return true
}

func (in *inspector) wifi(h *Found) {
	again := "Choose the networks again: run piwiz, choose " + in.name + " on the first page, and go on to the Wi-Fi page."
	if h.Host.Name == "" {
		again = restore
	}
	data, err := layout.Read(in.path(layout.Wifi))
	defer clear(data)
	h.PSK = map[string]wifi.Secret{}
	var link *layout.LinkError
	switch {
	case errors.As(err, &link):
		return
	case errors.Is(err, fs.ErrNotExist):
	case durable.IsSystem(err):
		in.add(NoPassword, layout.Wifi, err, Remedy(in.path(), err)...)
		return
	case err != nil:
		in.add(NoPassword, layout.Wifi, err, Command("mv %s ~/", in.path(layout.Wifi)), again)
		return
	default:
		var bad error
		if h.PSK, bad = answers.ReadSecrets(data); bad != nil {
			in.add(NoPassword, layout.Wifi, bad, "Fix the file with an editor: "+shell.Quote(in.path(layout.Wifi)), again)
			return
		}
	}
	switch {
	case h.Host.Name != "":
		in.passwords(h, err != nil, again)
	case err != nil && in.blind:
		in.add(NoPassword, layout.Wifi, errors.New("it is missing, and with it all Wi-Fi passwords"), again)
	}
}

// passwords names the networks without a password that could work, and the
// passwords without a network.
func (in *inspector) passwords(h *Found, none bool, again string) {
	var missing, damaged []string
	for _, n := range h.Host.Networks {
		secret, ok := h.PSK[n.SSID]
		if n.Security == wifi.Open {
			if ok && !secret.IsZero() {
				in.add(Note, layout.Wifi, fmt.Errorf("it has a password for %q, which host.toml calls an open network", n.SSID),
					"If the network has a password, write security = \"wpa2\" with an editor: "+shell.Quote(in.path(layout.Answers)))
			}
			continue
		}
		if !ok || secret.IsZero() {
			missing = append(missing, fmt.Sprintf("%q", n.SSID))
		} else if _, err := wifi.Typed(n.SSID, secret.Reveal(), n.Security, n.Hidden); err != nil {
			damaged = append(damaged, fmt.Sprintf("%q", n.SSID))
			delete(h.PSK, n.SSID)
		}
	}
	switch {
	case len(missing) > 0 && none:
		in.add(NoPassword, layout.Wifi, errors.New("it is missing, and with it the Wi-Fi password for "+strings.Join(missing, ", ")), again)
	case len(missing) > 0:
		in.add(NoPassword, layout.Wifi, errors.New("it has no Wi-Fi password for "+strings.Join(missing, ", ")), again)
	}
	if len(damaged) > 0 {
		in.add(NoPassword, layout.Wifi, errors.New("this Wi-Fi password is damaged: "+strings.Join(damaged, ", ")), again)
	}
	for ssid := range h.PSK {
		if !slices.ContainsFunc(h.Host.Networks, func(n nixgen.Network) bool { return n.SSID == ssid }) {
			in.add(Note, layout.Wifi, fmt.Errorf("it has a password for %q, which is not a network of %s", ssid, in.name),
				"You need not do anything; it is removed when the host is next saved, and a copy is kept.")
		}
	}
}

func (in *inspector) key(h *Found) {
	remedy := []string{restore}
	lost := "Or have a new one made, which each computer that knows " + in.name + " will refuse until its known_hosts is changed: piwiz build " + in.name + " --new-key"
	if h.Host.Name != "" {
		remedy = append(remedy, lost)
	}
	data, err := layout.Read(in.path(layout.Key))
	public, pubErr := layout.Read(in.path(layout.Key + ".pub"))
	var link *layout.LinkError
	switch {
	case errors.As(err, &link):
		return
	case errors.Is(err, fs.ErrNotExist):
		if h.Host.HostKey != "" || pubErr == nil || in.blind {
			in.add(NoKey, layout.Key, errors.New("the host key is missing"), remedy...)
		}
		return
	case durable.IsSystem(err): // the key may be as good as before
		in.add(Stop, layout.Key, err, Remedy(in.path(), err)...)
		return
	case err != nil:
		in.add(NoKey, layout.Key, err, remedy...)
		return
	}
	id, err := keypair.Parse(data, "root@"+in.name)
	if err != nil {
		in.add(NoKey, layout.Key, err, remedy...)
		return
	}
	h.Identity = id
	if pubErr == nil && !sameKey(string(public), id) {
		in.add(Note, layout.Key+".pub", errors.New("this is not the public half of the key next to it"),
			Command("ssh-keygen -y -f %s > %s", in.path(layout.Key), in.path(layout.Key+".pub")))
	}
	if h.Host.HostKey != "" && !sameKey(h.Host.HostKey, id) {
		in.add(Stop, layout.Key, errors.New("this is not the host key that host.toml names"), restore,
			"Or, if this key is the right one, take the other out of host.toml. "+Command("sed -i '/^host_key *=/d' %s", in.path(layout.Answers)))
	}
}

// sameKey compares the keys, whatever their comments say.
func sameKey(line string, id keypair.Pair) bool {
	k, err := sshkey.ParseLine(line)
	return err == nil && k.Fingerprint == id.Fingerprint()
}

func (in *inspector) flake(h Found) {
	if (h.Host.HostKey != "" || in.blind) && !layout.Exists(in.path(layout.Configuration)) {
		in.add(Note, layout.Configuration, errors.New("your own file is missing; a new one with nothing in it will be made"), restore)
	}
}

// Remedy is what to do about an error of the system on a part of the host in dir,
// nil for any other error. The whole folder is the user's, so a right to one part of it
// is not given alone.
func Remedy(dir string, err error) []string {
	if errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.EPERM) {
		return []string{Command("sudo chown -R \"$USER\" %s && chmod -R u+rwX %[1]s", dir)}
	}
	return durable.Remedy(err, dir)
}
