// Package wifi is about the Wi-Fi networks this computer knows and how a Pi
// joins them: one small package below for each program that keeps networks,
// and here what they have in common.
//
// The key is derived as IEEE 802.11 says: PBKDF2 with SHA-1, the SSID as salt,
// 4096 rounds, 32 bytes.
package wifi

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Security is how a network is protected.
type Security string

// The kinds a generated host can join.
const (
	WPA2 Security = "wpa2"
	WPA3 Security = "wpa3" // SAE alone; a network that takes both counts as WPA2
	Open Security = "open"
)

// Network is one network this computer knows.
type Network struct {
	SSID      string
	Security  Security
	Hidden    bool
	Secret    Secret // WPA2: the key, 64 hex digits; WPA3: the passphrase; Open: none
	Connected bool   // this computer is on it now
	LastUsed  time.Time
	File      string
	From      string // the programs of this computer that keep it
	Kept      string // what the source asks for the secret by, "" when it cannot be asked for
	Lacks     string // why there is no secret, as the end of a sentence; "" where there is one

	Passphrase Secret   // where it is known, whatever is made of it
	Evidence   Evidence // of what Security was decided by
}

// PSK derives the key of a WPA2 network, 64 hex digits. A passphrase has 8 to
// 63 printable ASCII characters; 64 hex digits are taken as the key itself.
func PSK(passphrase, ssid string) (Secret, error) {
	if len(passphrase) == 64 {
		if _, err := hex.DecodeString(passphrase); err != nil {
			return Secret{}, errors.New("a Wi-Fi password of 64 characters must be a key in hexadecimal; a password has at most 63")
		}
		return Secret{strings.ToLower(passphrase)}, nil
	}
	if err := CheckPassphrase(passphrase); err != nil {
		return Secret{}, err
	}
	key, err := pbkdf2.Key(sha1.New, passphrase, []byte(ssid), 4096, 32)
	if err != nil {
		return Secret{}, fmt.Errorf("derive the Wi-Fi key: %w", err)
	}
	defer clear(key)
	return Secret{hex.EncodeToString(key)}, nil
}

// CheckPassphrase says what is wrong with the password of a WPA2 network.
func CheckPassphrase(p string) error {
	if len(p) < 8 || len(p) > 63 {
		return errors.New("a Wi-Fi password has 8 to 63 characters; check it for missing or extra ones")
	}
	if strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' }) {
		return errors.New("a Wi-Fi password has only plain letters, digits and signs (ASCII); check it for accents")
	}
	return nil
}

// checkSAE says what is wrong with the password of a WPA3 network.
func checkSAE(p string) error {
	if len(p) < 1 || len(p) > 128 || strings.ContainsAny(p, "\n\r\x00") {
		return errors.New("a WPA3 password has 1 to 128 characters on one line")
	}
	return nil
}

// CheckSSID says why a network name cannot be written into a NixOS module.
func CheckSSID(ssid string) error {
	switch {
	case ssid == "" || len(ssid) > 32:
		return errors.New("a network name has 1 to 32 bytes")
	case !utf8.ValidString(ssid):
		return errors.New("the name of this network is not text (UTF-8), so it cannot be set up here; use a cable, or rename the network")
	case strings.ContainsFunc(ssid, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the name of this network has a control character, so it cannot be set up here; use a cable, or rename the network")
	}
	return nil
}

// Sort puts the network this computer is on first, then the last used ones,
// then the rest by name. connected is an SSID, or "" when unknown.
func Sort(ns []Network, connected string) {
	for i := range ns {
		ns[i].Connected = ns[i].Connected || connected != "" && ns[i].SSID == connected
	}
	slices.SortStableFunc(ns, func(a, b Network) int {
		switch {
		case a.Connected != b.Connected && a.Connected:
			return -1
		case a.Connected != b.Connected:
			return 1
		}
		return cmp.Or(b.LastUsed.Compare(a.LastUsed), cmp.Compare(a.SSID, b.SSID))
	})
}
