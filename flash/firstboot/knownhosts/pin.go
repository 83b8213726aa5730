// Package knownhosts makes a host stand for one key alone in the user's
// known_hosts file of OpenSSH.
//
// Rules: only the lines of that host change, everything else keeps every
// byte; a line that cannot be read hides no other; the change is atomic and
// the old text is kept.
package knownhosts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"piwiz/flash/fault"
)

// largest is more than any known_hosts file; it keeps a wrong path from
// filling the memory.
const largest = 64 << 20

// Error says why known_hosts could not be changed. Nothing was changed.
type Error struct {
	File       string // the file that was to be changed
	Line       string // the line that belongs into it
	fault.Todo        // to do the same by hand
	Err        error
}

func (e *Error) Error() string {
	return fmt.Sprintf("add the host key to %s: %v", e.File, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Pin makes names ("bach.local", "[bach.local]:2222") stand for key alone in a
// known_hosts file. Other keys of these names go, also from hashed lines and from lists of names;
// lines with a marker, patterns and whatever else is in the file keep every
// byte. A missing file is made (0600, its folder 0700); a symbolic link is
// followed. A file that this user may not write stays as it is, even in a folder
// where it could be replaced. The change is atomic. hashed writes new lines as
// HashKnownHosts of ssh_config(5) asks for: without the names.
//
// backup is the copy of the file as it was, file.piwiz-old or with the next
// free number; "" if there was nothing to keep or nothing to change. An error
// is an *Error unless a name makes no sense.
func Pin(file string, names []string, key ssh.PublicKey, hashed bool) (backup string, err error) {
	var clean []string
	for _, n := range names {
		c, err := checkName(n)
		if err != nil {
			return "", err
		}
		if !has(clean, c) {
			clean = append(clean, c)
		}
	}
	if len(clean) == 0 {
		return "", errors.New("add the host key to known_hosts: no name is given")
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	backup, err = pin(file, clean, key.Marshal(), line, hashed)
	if err != nil {
		line = strings.Join(clean, ",") + " " + line
		return "", &Error{file, line, fault.Todo{"To make it last, add this line to " + file + ": " + line}, err}
	}
	return backup, nil
}

func pin(file string, names []string, key []byte, line string, hashed bool) (backup string, err error) {
	target, err := follow(file)
	if err != nil {
		return "", err
	}
	old, info, err := load(target)
	if err != nil {
		return "", err
	}
	text := repin(old, names, key, line, hashed)
	if info != nil && bytes.Equal(text, old) {
		return "", nil
	}
	if info != nil {
		if err := unix.Access(target, unix.W_OK); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return "", err
	}
	if len(old) > 0 {
		if backup, err = keep(file, old, info); err != nil {
			return "", err
		}
	}
	if err := replace(target, text, info); err != nil {
		if backup != "" {
			_ = os.Remove(backup) // a copy of what is still there
		}
		return "", err
	}
	return backup, nil
}

// follow finds the file behind symbolic links, whether it exists or not.
func follow(file string) (string, error) {
	for range 40 {
		to, err := os.Readlink(file)
		if err != nil {
			return file, nil // not a link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(file), to)
		}
		file = to
	}
	return "", syscall.ELOOP
}

// load reads the file; info is nil if there is none.
func load(file string) (data []byte, info fs.FileInfo, err error) {
	info, err = os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err = io.ReadAll(io.LimitReader(f, largest+1))
	if err == nil && len(data) > largest {
		err = errors.New("it is too large to be a list of hosts")
	}
	return data, info, err
}

// keep saves the old text beside file under a name that is free.
func keep(file string, old []byte, info fs.FileInfo) (string, error) {
	for n := 1; ; n++ {
		name := file + ".piwiz-old"
		if n > 1 {
			name += fmt.Sprintf("-%d", n)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if err := fill(f, old, info); err != nil {
			_ = os.Remove(name)
			return "", err
		}
		return name, nil
	}
}

// replace puts text in the place of file in one step, and syncs the file and
// its folder. nixgen/durable does the same for the other half, which this one
// must not import; here the owner and the mode are those of the old file.
func replace(file string, text []byte, info fs.FileInfo) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, ".known_hosts-*") // made with 0600
	if err != nil {
		return err
	}
	if err := fill(f, text, info); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // only synced
	return d.Sync()
}

// fill writes, gives the file the mode and owner of the old one, and closes
// it. Owner: root may work in a user's home, who must still be able to read.
func fill(f *os.File, text []byte, info fs.FileInfo) error {
	_, err := f.Write(text)
	if info != nil && err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
			err = f.Chown(int(s.Uid), int(s.Gid))
		}
		err = errors.Join(err, f.Chmod(info.Mode().Perm()))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
