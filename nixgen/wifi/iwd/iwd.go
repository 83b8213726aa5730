// Package iwd reads the networks that iwd keeps.
//
// The files are described in iwd.network(5): one file a network, named after
// the SSID when that is only letters, digits, space, _ and -, else = and the
// SSID in hexadecimal; the ending is the kind (psk, open, 8021x).
package iwd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
)

// Name is the name of the program, for people.
const Name = "iwd"

// Dir is where iwd keeps its networks; only root may read it.
const Dir = "/var/lib/iwd"

// Source is iwd as a source of networks. Only the administrator may read them.
type Source struct{}

// Folders is where root finds them.
func (Source) Folders() []files.Folder { return []files.Folder{{Path: Dir, Is: known}} }

// Read reads iwd's folder; see wifi.Source.
func (Source) Read(context.Context) (wifi.Found, error) {
	f := wifi.Found{Name: Name, Where: Dir}
	var err error
	f.Networks, f.Problems, err = Read(Dir)
	return f, err
}

// Read reads all networks in a folder; a link counts as the file it leads to.
// The error is only about the folder itself (fs.ErrPermission when it is
// root's, fs.ErrNotExist without iwd).
func Read(dir string) ([]wifi.Network, []wifi.Problem, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read the Wi-Fi networks of this computer: %w", err)
	}
	var found []wifi.Network
	var problems []wifi.Problem
	for _, e := range entries {
		if !known(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(path)
		if err == nil && !st.Mode().IsRegular() {
			continue // nor does iwd read a folder or a pipe
		}
		var n wifi.Network
		if err == nil {
			n, err = readFile(path, st.ModTime()) // iwd touches the file when it connects
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, nil, fmt.Errorf("read the Wi-Fi networks of this computer: %w", err)
		}
		if err != nil {
			problems = append(problems, wifi.Problem{File: path, Err: err})
			continue
		}
		n.File = path
		found = append(found, n)
	}
	return found, problems, nil
}

func readFile(path string, used time.Time) (wifi.Network, error) {
	data, err := files.ReadFile(path)
	if err != nil {
		return wifi.Network{}, err
	}
	defer clear(data)
	n, err := Parse(filepath.Base(path), data)
	n.LastUsed = used
	return n, err
}

// FromFiles makes networks of files that were read elsewhere, by path. Files in
// other folders are none of iwd's.
func (Source) FromFiles(files map[string][]byte, _ string) (found []wifi.Network, problems []wifi.Problem) {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		name := filepath.Base(path)
		if filepath.Dir(path) != Dir || !known(name) {
			continue
		}
		n, err := Parse(name, files[path])
		if err != nil {
			problems = append(problems, wifi.Problem{File: path, Err: err})
			continue
		}
		n.File = path
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
func Parse(fileName string, data []byte) (wifi.Network, error) {
	n := wifi.Network{From: Name}
	base, kind, _ := strings.Cut(fileName, ".")
	if len(data) > files.Max {
		return n, errors.New("the file is too large to be a Wi-Fi network")
	}
	ssid, err := ssidOf(base)
	if err != nil {
		return n, err
	}
	n.SSID = ssid
	if err := wifi.CheckSSID(ssid); err != nil {
		return n, err
	}
	keys, err := keyfile(string(data))
	if err != nil {
		return n, err
	}
	n.Hidden, _ = keys.truth("Settings", "Hidden")
	switch kind {
	case "open":
		n.Security = wifi.Open
		return n, nil
	case "8021x":
		return n, errors.New("this is a company or university network (802.1X); it cannot be copied to a Pi, use another network or a cable")
	case "psk":
		return withKey(n, keys)
	}
	return n, errors.New("this is not a Wi-Fi network file of iwd")
}

// withKey takes what iwd itself would join with: the derived key, or the
// password when there is no key or it is none.
func withKey(n wifi.Network, keys settings) (wifi.Network, error) {
	n.Evidence = evidenceOf(keys)
	n.Security = n.Evidence.Security()
	if pass, ok := keys.text("Security", "Passphrase"); ok && wifi.CheckPassphrase(pass) == nil {
		n.Passphrase = wifi.NewSecret(pass)
	}
	if key, ok := savedKey(keys); ok {
		n.Secret = key
	}
	switch {
	case n.Security == wifi.WPA3 && !n.Passphrase.IsZero():
		n.Secret = n.Passphrase
		return n, nil
	case n.Security == wifi.WPA3 && !n.Secret.IsZero():
		return n, errors.New("this network accepts only WPA3, which needs its password, and only a WPA2 key is kept here; type it in")
	case !n.Secret.IsZero():
		return n, nil
	case !n.Passphrase.IsZero():
		key, err := wifi.PSK(n.Passphrase.Reveal(), n.SSID)
		n.Secret = key
		return n, err
	case encrypted(keys):
		return n, errors.New("iwd keeps this password encrypted (SystemdEncrypt in /etc/iwd/main.conf), so nobody else can read it; type the network in")
	}
	return n, errors.New("the file holds no usable password; join the network once more with iwd, or type it in")
}

// evidenceOf is what the file says about the network. iwd notes the transition
// modes that a network has given up, between spaces, and reads them only
// beside TransitionDisable; a list without it was written by hand and meant.
func evidenceOf(keys settings) wifi.Evidence {
	var e wifi.Evidence
	if off, ok := keys.truth("Settings", "TransitionDisable"); off || !ok {
		modes, _ := keys.text("Settings", "DisabledTransitionModes")
		if slices.Contains(strings.FieldsFunc(modes, func(r rune) bool { return r == ' ' || r == ',' }), "personal") {
			e |= wifi.NoTransition
		}
	}
	_, psk := savedKey(keys)
	_, g19 := keys.value("Security", "SAE-PT-Group19")
	_, g20 := keys.value("Security", "SAE-PT-Group20")
	switch {
	case psk:
		e |= wifi.SavedPSK
	case g19 || g20:
		e |= wifi.SavedSAE
	}
	return e
}

func savedKey(keys settings) (wifi.Secret, bool) {
	psk, _ := keys.value("Security", "PreSharedKey")
	_, err := hex.DecodeString(psk)
	return wifi.NewSecret(strings.ToLower(psk)), err == nil && len(psk) == 64
}

func encrypted(keys settings) bool {
	_, ok := keys.value("Security", "EncryptedSecurity")
	return ok
}

// ssidOf is the name in a file's name, of which iwd reads only its own form.
func ssidOf(base string) (string, error) {
	code, coded := strings.CutPrefix(base, "=")
	if !coded {
		if strings.ContainsFunc(base, special) {
			return "", fmt.Errorf("iwd does not read a file of this name; it would have to begin with =%x", base)
		}
		return base, nil
	}
	b, err := hex.DecodeString(code)
	if err != nil {
		return "", errors.New("the file name is not a network name: after = there must be pairs of hexadecimal digits")
	}
	return string(b), nil
}

// special tells what makes iwd write the name in hexadecimal.
func special(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_ ", r))
}
