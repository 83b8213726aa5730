package hostfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"piwiz/nixgen"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// readPart reads a file of a host. It is a plain file, no link and no pipe
// that never ends.
func readPart(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		to, _ := os.Readlink(path)
		return nil, &linkError{to}
	}
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil || !st.Mode().IsRegular():
		return nil, errors.New("it is not a plain file")
	case st.Size() > maxFile:
		return nil, fmt.Errorf("it is larger than %d KiB, so it is something else", maxFile>>10)
	}
	data := make([]byte, st.Size()) // one that grows leaves copies of a secret
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, bare(err)
	}
	return data[:n], nil
}

// bare is a system's error without the path, which the problem names already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// linkError is a symbolic link where a part of a host is to be.
type linkError struct{ to string }

func (l *linkError) Error() string { return "it is a link, to " + l.to }

// unlink says how to put what a link leads to in its place.
func unlink(path, to string) string {
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	return fmt.Sprintf("piwiz saves only in files and folders of its own. Put a copy in the place of the link. Run: rm %s && cp -rp %s %[1]s", quote(path), quote(to))
}

// linked is an error with all parts of a host that are links: writing there
// would change something elsewhere, or cut the link.
func (s Store) linked(name string) error {
	if p := s.links(name); len(p) > 0 {
		return &Broken{name, p}
	}
	return nil
}

func (s Store) links(name string) []Problem {
	var out []Problem
	for _, part := range []string{"", "secrets", "flake", answersFile, wifiFile, keyFile} {
		path := s.Path(name, part)
		if to, err := os.Readlink(path); err == nil {
			out = append(out, Problem{path, &linkError{to}, Stop, []string{unlink(path, to)}})
			if part == "" {
				return out // the rest is seen through it
			}
		}
	}
	return out
}

// foreign is the problem with something among the hosts that is none, nil when
// it may be one.
func (s Store) foreign(e fs.DirEntry) *Problem {
	name, path := e.Name(), s.Path(e.Name())
	canonical, complaint := nixgen.CheckName(name)
	lies := func(what string, remedy string) *Problem {
		return &Problem{path, errors.New(what), Note, []string{remedy}}
	}
	switch {
	case strings.HasPrefix(name, ".draft-"):
		return nil
	case strings.HasPrefix(name, staging), strings.HasPrefix(name, importing), strings.HasPrefix(name, forgetting):
		return lies("this is left over from a piwiz that was stopped, and may hold secrets", run("rm -r %s", path))
	case name[0] == '.' && e.IsDir():
		return nil // not ours
	case e.Type()&fs.ModeSymlink != 0:
		return nil // Load names it as what it is to be
	case !e.IsDir():
		return lies("this is no folder of a host", run("mv %s ~/", path))
	case complaint != "":
		return lies("the folder has no name of a host: "+complaint, run("mv %s ~/", path))
	case canonical != name:
		if exists(s.Path(canonical)) {
			return nil // named with that one
		}
		return lies("the name of a host has small letters", run("mv %s %s", path, s.Path(canonical)))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// inspector looks at one host and collects what is wrong.
type inspector struct {
	store    Store
	name     string
	problems []Problem
	blind    bool // the answers could not be read, of a host that was saved once
}

func (in *inspector) add(kind Kind, file string, err error, remedy ...string) {
	in.problems = append(in.problems, Problem{in.store.Path(in.name, file), err, kind, remedy})
}

// inspect reads a host and names all that is wrong with it. The host has no
// name when its answers cannot be used.
func (s Store) inspect(name string) (Saved, []Problem) {
	in := &inspector{store: s, name: name}
	in.problems = s.links(name)
	h := Saved{Folder: s.Path(name)}
	if st, err := os.Stat(s.Path(name)); err != nil || !st.IsDir() {
		if len(in.problems) == 0 {
			in.add(Stop, "", errors.New("this is no folder"), run("mv %s ~/", s.Path(name)))
		}
		return Saved{}, in.problems
	}
	in.twins()
	// One that somebody wrote by hand never had the rest.
	in.blind = !in.answers(&h) && (exists(in.path("secrets")) || exists(in.path("flake", "piwiz.nix")))
	in.wifi(&h)
	in.key(&h)
	in.flake(h)
	in.rights()
	in.leftovers()
	if h.Host.Name != name || isLink(s.Path(name)) {
		h.Host.Name = ""
	}
	return h, in.problems
}

func isLink(path string) bool {
	_, err := os.Readlink(path)
	return err == nil
}

func (in *inspector) path(elem ...string) string { return in.store.Path(in.name, elem...) }

func (in *inspector) twins() {
	entries, _ := os.ReadDir(in.store.Dir) // the list itself was read, or says so
	for _, e := range entries {
		if e.Name() != in.name && strings.EqualFold(e.Name(), in.name) {
			in.add(Note, "", fmt.Errorf("there is also %s, whose name differs only in capitals", in.store.Path(e.Name())),
				"Compare the two, and take the wrong one away. "+run("diff -r %s %s; mv %[2]s ~/", in.path(), in.store.Path(e.Name())))
		}
	}
}

const restore = "Restore it from your backup: piwiz hosts import FILE --replace"

// answers reads host.toml, and tells whether it could be read. Where not, the
// rest is looked at all the same, as far as it can be judged.
func (in *inspector) answers(h *Saved) bool {
	path := in.path(answersFile)
	host, err := readAnswers(path)
	if st, err := os.Lstat(path); err == nil {
		h.Changed = st.ModTime()
	}
	var link *linkError
	switch {
	case errors.As(err, &link):
		return false // named already
	case errors.Is(err, fs.ErrNotExist):
		in.add(Stop, answersFile, errors.New("it is missing"), restore, "Or forget the host: piwiz hosts forget "+in.name)
		return false
	case errors.Is(err, fs.ErrPermission):
		in.add(Stop, answersFile, err, run("sudo chown -R \"$USER\" %s && chmod -R u+rwX %[1]s", in.path()))
		return false
	case err != nil:
		in.add(Stop, answersFile, err, "Fix the file with an editor: "+quote(path), restore)
		return false
	}
	if host.Name != in.name {
		remedy := fmt.Sprintf("Change its name to %s with an editor: %s", in.name, quote(path))
		if canonical, complaint := nixgen.CheckName(host.Name); complaint == "" && canonical == host.Name && !exists(in.store.Path(host.Name)) {
			remedy = "Give the folder that name. " + run("mv %s %s", in.path(), in.store.Path(host.Name))
		}
		in.add(Stop, answersFile, fmt.Errorf("it is about %q, but lies in the folder of %s", host.Name, in.name), remedy)
	}
	for _, p := range host.Problems() {
		in.add(Stop, answersFile, fmt.Errorf("%s: %s", p.Field, p.Text), "Fix the file with an editor: "+quote(path))
	}
	h.Host = host
	return true
}

func (in *inspector) wifi(h *Saved) {
	again := "Choose the networks again: run piwiz, choose " + in.name + " on the first page, and go on to the Wi-Fi page."
	if h.Host.Name == "" {
		again = restore
	}
	data, err := readPart(in.path(wifiFile))
	defer clear(data)
	h.PSK = map[string]wifi.Secret{}
	var link *linkError
	switch {
	case errors.As(err, &link):
		return
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, fs.ErrPermission):
		in.add(NoPassword, wifiFile, err, run("sudo chown -R \"$USER\" %s && chmod -R u+rwX %[1]s", in.path()))
		return
	case err != nil:
		in.add(NoPassword, wifiFile, err, run("mv %s ~/", in.path(wifiFile)), again)
		return
	default:
		var bad error
		if h.PSK, bad = readSecrets(data); bad != nil {
			in.add(NoPassword, wifiFile, bad, "Fix the file with an editor: "+quote(in.path(wifiFile)), again)
			return
		}
	}
	switch {
	case h.Host.Name != "":
		in.passwords(h, err != nil, again)
	case err != nil && in.blind:
		in.add(NoPassword, wifiFile, errors.New("it is missing, and with it all Wi-Fi passwords"), again)
	}
}

// passwords names the networks without a password that could work, and the
// passwords without a network.
func (in *inspector) passwords(h *Saved, none bool, again string) {
	var missing, damaged []string
	for _, n := range h.Host.Networks {
		secret, ok := h.PSK[n.SSID]
		if n.Security == wifi.Open {
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
		in.add(NoPassword, wifiFile, errors.New("it is missing, and with it the Wi-Fi password of "+strings.Join(missing, ", ")), again)
	case len(missing) > 0:
		in.add(NoPassword, wifiFile, errors.New("it has no Wi-Fi password of "+strings.Join(missing, ", ")), again)
	}
	if len(damaged) > 0 {
		in.add(NoPassword, wifiFile, errors.New("this Wi-Fi password is damaged: "+strings.Join(damaged, ", ")), again)
	}
	for ssid := range h.PSK {
		if !slices.ContainsFunc(h.Host.Networks, func(n nixgen.Network) bool { return n.SSID == ssid }) {
			in.add(Note, wifiFile, fmt.Errorf("it has a password of %q, which is no network of %s", ssid, in.name),
				"Nothing needs to be done; it goes when the host is saved next, and a copy is kept.")
		}
	}
}

func (in *inspector) key(h *Saved) {
	remedy := []string{restore}
	lost := "Or have a new one made, which each computer that knows " + in.name + " will refuse until its known_hosts is changed: piwiz build " + in.name + " --new-key"
	if h.Host.Name != "" {
		remedy = append(remedy, lost)
	}
	data, err := readPart(in.path(keyFile))
	public, pubErr := readPart(in.path(keyFile + ".pub"))
	var link *linkError
	switch {
	case errors.As(err, &link):
		return
	case errors.Is(err, fs.ErrNotExist):
		if h.Host.HostKey != "" || pubErr == nil || in.blind {
			in.add(NoKey, keyFile, errors.New("the host key is missing"), remedy...)
		}
		return
	case errors.Is(err, fs.ErrPermission):
		in.add(Stop, keyFile, err, run("sudo chown -R \"$USER\" %s && chmod -R u+rwX %[1]s", in.path()))
		return
	case err != nil:
		in.add(NoKey, keyFile, err, remedy...)
		return
	}
	id, err := sshkey.ParseIdentity(data, "root@"+in.name)
	if err != nil {
		in.add(NoKey, keyFile, err, remedy...)
		return
	}
	h.Identity = id
	if pubErr == nil && !sameKey(string(public), id) {
		in.add(Note, keyFile+".pub", errors.New("this is not the public half of the key beside it"),
			run("ssh-keygen -y -f %s > %s", in.path(keyFile), in.path(keyFile+".pub")))
	}
	if h.Host.HostKey != "" && !sameKey(h.Host.HostKey, id) {
		in.add(Stop, keyFile, errors.New("this is not the host key that host.toml names"), restore,
			"Or, if this key is the right one, take the other out of host.toml. "+run("sed -i '/^host_key *=/d' %s", in.path(answersFile)))
	}
}

// sameKey compares the keys, whatever their comments say.
func sameKey(line string, id sshkey.Identity) bool {
	k, err := sshkey.ParseLine(line)
	return err == nil && k.Fingerprint == id.Fingerprint()
}

func (in *inspector) flake(h Saved) {
	if (h.Host.HostKey != "" || in.blind) && !exists(in.path(configuration)) {
		in.add(Note, configuration, errors.New("your own file is missing; a new one without anything in it will be made"), restore)
	}
}

// rights names what others may read or change, and what belongs to somebody
// else.
func (in *inspector) rights() {
	var open, theirs, writable []string
	look := func(path string, hidden bool) {
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSymlink != 0 {
			return
		}
		name := "./" + strings.TrimPrefix(strings.TrimPrefix(path, in.path()), "/")
		if s, ok := st.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
			theirs = append(theirs, name)
		}
		switch mode := st.Mode().Perm(); {
		case hidden && mode&0o077 != 0:
			open = append(open, name)
		case mode&0o002 != 0:
			writable = append(writable, name)
		}
	}
	look(in.path(), false)
	look(in.path(answersFile), false)
	_ = filepath.WalkDir(in.path("secrets"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			look(path, !strings.HasSuffix(path, ".pub"))
		}
		return nil
	})
	look(in.path("flake"), false)
	files, _ := os.ReadDir(in.path("flake")) // that it is missing was said
	for _, f := range files {
		look(in.path("flake", f.Name()), false)
	}
	if len(open) > 0 {
		in.add(Note, "", errors.New("others on this computer may read the secrets in "+strings.Join(open, ", ")), run("chmod -R go= %s", in.path("secrets")))
	}
	if len(writable) > 0 {
		in.add(Note, "", errors.New("others on this computer may change "+strings.Join(writable, ", ")), run("chmod -R o-w %s", in.path()))
	}
	if len(theirs) > 0 {
		remedy := run("sudo chown -R \"$USER\" %s", in.path())
		if os.Geteuid() == 0 {
			remedy = "Run piwiz as the user whose files these are, without sudo."
		}
		in.add(Note, "", errors.New("not yours, but another user's: "+strings.Join(theirs, ", ")), remedy)
	}
}

func (in *inspector) leftovers() {
	for _, folder := range []string{"", "secrets", "flake"} {
		entries, _ := os.ReadDir(in.path(folder)) // that it is missing was said
		for _, e := range entries {
			if durable.IsTemporary(e.Name()) {
				in.add(Note, filepath.Join(folder, e.Name()), errors.New("this is left over from a program that was stopped"), run("rm -r %s", in.path(folder, e.Name())))
			}
		}
	}
}
