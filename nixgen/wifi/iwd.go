package wifi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is where iwd keeps its networks; only root may read it.
const Dir = "/var/lib/iwd"

// A network file holds a few short lines, or an embedded certificate chain.
const maxFile = 64 << 10

// Problem is a file that was left out, and why. The error never holds any of
// the file's content.
type Problem struct {
	File string
	Err  error
}

func (p Problem) Error() string { return p.File + ": " + p.Err.Error() }
func (p Problem) Unwrap() error { return p.Err }

// Read reads all networks in a folder. The error is only about the folder
// itself (fs.ErrPermission when it is root's, fs.ErrNotExist without iwd).
func Read(dir string) ([]Network, []Problem, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Wi-Fi networks of this computer: %w", err)
	}
	var found []Network
	var problems []Problem
	for _, e := range entries {
		if !e.Type().IsRegular() || !known(e.Name()) {
			continue
		}
		n, err := readFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrPermission) {
			return nil, nil, fmt.Errorf("read the Wi-Fi networks of this computer: %w", err)
		}
		if err != nil {
			problems = append(problems, Problem{e.Name(), err})
			continue
		}
		found = append(found, n)
	}
	return found, problems, nil
}

func readFile(path string) (Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return Network{}, err
	}
	defer f.Close()
	data := make([]byte, maxFile+1) // one that grows leaves copies
	defer clear(data)
	size, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Network{}, err
	}
	n, err := Parse(filepath.Base(path), data[:size])
	if st, e := f.Stat(); e == nil {
		n.LastUsed = st.ModTime() // iwd touches the file when it connects
	}
	return n, err
}

// FromFiles makes networks of files that were read elsewhere, by file name.
func FromFiles(files map[string][]byte) ([]Network, []Problem) {
	var found []Network
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !known(name) {
			continue
		}
		n, err := Parse(name, files[name])
		if err != nil {
			problems = append(problems, Problem{name, err})
			continue
		}
		found = append(found, n)
	}
	return found, problems
}

// known tells network files from iwd's own notes beside them.
func known(name string) bool {
	switch filepath.Ext(name) {
	case ".psk", ".open", ".8021x":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

// Parse makes a network of one file. fileName is the last part of its path.
func Parse(fileName string, data []byte) (Network, error) {
	kind := filepath.Ext(fileName)
	n := Network{File: fileName}
	if len(data) > maxFile {
		return n, errors.New("the file is too large to be a Wi-Fi network")
	}
	ssid, err := ssidOf(strings.TrimSuffix(fileName, kind))
	if err != nil {
		return n, err
	}
	n.SSID = ssid
	if err := CheckSSID(ssid); err != nil {
		return n, err
	}
	keys := keyfile(string(data))
	n.Hidden = keys["Settings.Hidden"] == "true"
	switch kind {
	case ".open":
		n.Security = Open
		return n, nil
	case ".8021x":
		return n, errors.New("this is a company or university network (802.1X); it cannot be copied to a Pi, use another network or a cable")
	case ".psk":
		return withKey(n, keys)
	}
	return n, errors.New("this is not a Wi-Fi network file of iwd")
}

// withKey takes the derived key where iwd has one. Without one but with a
// password it is either a file made by hand or a WPA3-only network, which iwd
// gives away by its SAE notes.
func withKey(n Network, keys map[string]string) (Network, error) {
	psk, pass := keys["Security.PreSharedKey"], keys["Security.Passphrase"]
	_, g19 := keys["Security.SAE-PT-Group19"]
	_, g20 := keys["Security.SAE-PT-Group20"]
	n.Security = WPA2
	switch {
	case len(psk) == 64:
		key, err := PSK(psk, n.SSID)
		n.Secret = key
		return n, err
	case pass != "" && (g19 || g20):
		n.Security = WPA3
		n.Secret = Secret{pass}
		return n, checkSAE(pass)
	case pass != "":
		key, err := PSK(pass, n.SSID)
		n.Secret = key
		return n, err
	}
	return n, errors.New("the file holds no usable password; join the network once more with iwd, or type it in")
}

func ssidOf(base string) (string, error) {
	if code, ok := strings.CutPrefix(base, "="); ok {
		b, err := hex.DecodeString(code)
		if err != nil {
			return "", errors.New("the file name is no network name: after = come pairs of hexadecimal digits")
		}
		return string(b), nil
	}
	return base, nil
}

// keyfile reads GROUP.KEY = value. A # starts a comment only at the start of
// a line, a value runs to the line's end, and embedded PEM blocks are skipped.
func keyfile(text string) map[string]string {
	keys := map[string]string{}
	group := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		start := strings.TrimLeft(line, " \t")
		switch {
		case start == "" || start[0] == '#':
			continue
		case start[0] == '[':
			group = strings.Trim(strings.TrimSpace(start), "[]")
			continue
		case strings.HasPrefix(group, "@pem@"):
			continue
		}
		key, value, ok := strings.Cut(start, "=")
		if !ok {
			continue
		}
		keys[group+"."+strings.TrimRight(key, " \t")] = unescape(strings.TrimLeft(value, " \t"))
	}
	return keys
}

func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(s)
}
