package sshlogin

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"piwiz/flash/firstboot/knownhosts"
	"piwiz/flash/firstboot/sshconfig"
	"piwiz/flash/shell"
)

// pin puts the key into the file that ssh reads for this host, under the name
// that it looks for and under the plain one. Whether that is enough is seen by
// the trial.
func (f *finder) pin() {
	file := f.settings.KnownHosts()
	if file == "" {
		f.way.Known = "Your ssh settings keep no list of known hosts (UserKnownHostsFile)."
		return
	}
	names := []string{f.settings.KnownAs(), f.host.Name, sshconfig.WithPort(f.host.Name, f.host.Port)}
	if set := f.settings.First("hostname"); f.settings.First("hostkeyalias") == "" && !strings.EqualFold(set, f.host.Name) && !f.has(set) {
		names = names[1:] // that is another computer
	}
	backup, err := knownhosts.Pin(file, names, f.host.Key, f.settings.First("hashknownhosts") == "yes")
	var no *knownhosts.Error
	switch {
	case errors.As(err, &no):
		f.way.Known = fmt.Sprintf("The key could not be added to %s: %v.", file, reason(no.Err))
		f.way.Line, f.way.File = no.Line, file
	case err != nil:
		f.way.Known = "The key could not be added to " + file + ": " + err.Error() + "."
		f.way.Line, f.way.File = f.host.Name+" "+f.host.line(), file
	case backup == "":
		f.way.Known = "The key is in " + file + ", so the first login asks nothing."
	default:
		f.way.Known = "The key is in " + file + "; the file as it was is kept as " + backup + "."
	}
}

// reason is an error without the temporary file that it happened to.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// has says whether text is an address of the host.
func (f *finder) has(text string) bool {
	for _, a := range f.host.Addrs {
		if a.String() == text {
			return true
		}
	}
	return false
}

// revoked says where ssh was told never to trust this key.
func (f *finder) revoked() {
	const what = "ssh was told never to trust the key of this host"
	files := []string{f.settings.KnownHosts()}
	files = append(files, strings.Fields(f.settings.First("userknownhostsfile"))...)
	files = append(files, strings.Fields(f.settings.First("globalknownhostsfile"))...)
	renew := "If the key was lost or stolen, give the host a new one and write the card again: piwiz build --new-key " + strings.TrimSuffix(f.host.Name, ".local")
	for _, file := range files {
		if n := revokedAt(file, f.host.line()); n > 0 {
			f.why(fmt.Sprintf("%s: @revoked in line %d of %s.", what, n, file), fmt.Sprintf("If that is a mistake, delete the line: sed -i %dd %s", n, shell.Quote(file)), renew)
			return
		}
	}
	if file := f.settings.First("revokedhostkeys"); file != "" {
		f.why(what+": it is in "+file+" (RevokedHostKeys).", renew)
		return
	}
	f.why(what+".", renew)
}

// revokedAt is the line, from 1, that revokes a key; 0 if there is none.
func revokedAt(file, line string) int {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return 0
	}
	in, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer func() { _ = in.Close() }() // only read
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "@revoked") && strings.Contains(lines.Text(), line) {
			return n
		}
	}
	return 0
}
