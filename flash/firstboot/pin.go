package firstboot

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A known_hosts of many years has some thousand lines; more is no such file.
const maxKnownHosts = 16 << 20

// Pin puts a host key into a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE
// FORMAT) under the names. Old keys of these names go, hashed ones too; every
// other byte stays as it is, broken lines included. The file is replaced whole,
// and what it was is kept beside it, under the name that is returned ("" when
// there was no file, or nothing to change).
func Pin(file string, names []string, hostKey string) (backup string, err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // write through a link, do not replace it
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	if len(old) > maxKnownHosts {
		return "", fmt.Errorf("%s is too large to be a list of host keys; nothing was changed", file)
	}
	exists := err == nil
	fields := strings.Fields(hostKey)
	if len(fields) < 2 || len(names) == 0 {
		return "", errors.New("there is no host key to remember")
	}
	line := strings.Join(names, ",") + " " + fields[0] + " " + fields[1] + "\n"
	now := pinned(old, names, line)
	if bytes.Equal(now, old) {
		return "", nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("make the folder for %s: %w", file, err)
	}
	mode := fs.FileMode(0o600)
	if exists {
		if st, err := os.Stat(file); err == nil {
			mode = st.Mode().Perm()
		}
		backup = file + ".before-piwiz"
		if err := replace(backup, old, mode); err != nil {
			return "", fmt.Errorf("keep a copy of %s: %w", file, err)
		}
	}
	if err := replace(file, now, mode); err != nil {
		return "", fmt.Errorf("write %s: %w", file, err)
	}
	return backup, nil
}

// pinned is the new content: the lines without the names, then the new line.
// A line that is there already stays where it is.
func pinned(old []byte, names []string, line string) []byte {
	var out bytes.Buffer
	there := false
	for l := range bytes.Lines(old) {
		if string(l) == line && !there {
			there = true
			out.Write(l)
			continue
		}
		out.Write(without(l, names))
	}
	if there {
		return out.Bytes()
	}
	if n := out.Len(); n > 0 && out.Bytes()[n-1] != '\n' {
		out.WriteByte('\n')
	}
	out.WriteString(line)
	return out.Bytes()
}

// without takes the names off a line; a line of only these names goes. Lines
// with a marker (@cert-authority, @revoked) are rules, not keys, and stay.
func without(line []byte, names []string) []byte {
	text := string(line)
	start := strings.TrimLeft(text, " \t")
	hosts, rest, ok := strings.Cut(start, " ")
	if i := strings.IndexByte(start, '\t'); i >= 0 && i < len(hosts) {
		hosts, rest, ok = start[:i], start[i+1:], true
	}
	if !ok || start[0] == '#' || start[0] == '@' || len(strings.Fields(rest)) < 2 {
		return line
	}
	if strings.HasPrefix(hosts, "|1|") {
		if slices.ContainsFunc(names, func(n string) bool { return hashOf(hosts, n) }) {
			return nil
		}
		return line
	}
	list := strings.Split(hosts, ",")
	kept := slices.DeleteFunc(slices.Clone(list), func(h string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(h, n) })
	})
	switch {
	case len(kept) == len(list):
		return line
	case len(kept) == 0:
		return nil
	}
	return []byte(strings.Join(kept, ",") + " " + rest)
}

// hashOf tells whether |1|SALT|HASH is of the name: HMAC-SHA1 with the salt
// as key.
func hashOf(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 {
		return false
	}
	salt, err1 := base64.StdEncoding.DecodeString(parts[2])
	want, err2 := base64.StdEncoding.DecodeString(parts[3])
	if err1 != nil || err2 != nil {
		return false
	}
	h := hmac.New(sha1.New, salt)
	h.Write([]byte(name))
	return hmac.Equal(h.Sum(nil), want)
}

// replace writes a file whole or not at all.
func replace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".known_hosts-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
