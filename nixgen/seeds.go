package nixgen

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

// Seed is a file that must be on the FIRMWARE partition for the first boot.
// Printed or logged it shows its path only.
type Seed struct {
	Path string
	Data []byte
}

func (s Seed) String() string       { return s.Path }
func (s Seed) GoString() string     { return s.Path }
func (s Seed) LogValue() slog.Value { return slog.StringValue(s.Path) }

// Format hides the data from every verb.
func (s Seed) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.Path) }

// secretName names the secret of a network, in the module and in the secrets
// file: by the network and not by its place in the list, so that one that moves
// never gets the key of another. All names have one length, and none begins as
// those of Host.Before do: wpa_supplicant compares only the length of the
// line's name (hostap, src/utils/ext_password_file.c).
func secretName(n Network) string {
	if n.SecretName != "" {
		return n.SecretName
	}
	sum := sha256.Sum256([]byte(n.SSID))
	return fmt.Sprintf("net_%x", sum[:8])
}

// Seeds returns the secrets of a host as the files that its first boot moves
// to their place. psk is by SSID. It is an error when one is missing. Zero the
// data when it is on the card: it is nobody else's.
func Seeds(h Host, psk map[string]wifi.Secret, id keypair.Pair) ([]Seed, error) {
	if id.IsZero() {
		return nil, errors.New("the host has no host key yet; save it first")
	}
	var conf, sae []byte
	for i, n := range h.Networks {
		if n.Security == wifi.Open {
			continue
		}
		secret := psk[n.SSID]
		if secret.IsZero() {
			return nil, fmt.Errorf("the password of the network %q is missing; choose the network again in the wizard", n.SSID)
		}
		if isSAE(n) {
			sae = appendSAE(sae, n, secret, priority(h, i))
		} else {
			conf = fmt.Appendf(conf, "%s=%s\n", secretName(n), secret.Reveal())
			if n.SecretName != "" { // from this card on the Pi knows both
				n.SecretName = ""
				conf = fmt.Appendf(conf, "%s=%s\n", secretName(n), secret.Reveal())
			}
		}
	}
	seeds := []Seed{
		{"piwiz/ssh_host_ed25519_key", bytes.Clone(id.Reveal())},
		{"piwiz/ssh_host_ed25519_key.pub", []byte(id.PublicLine() + "\n")},
	}
	if len(conf) > 0 {
		seeds = append(seeds, Seed{"piwiz/wireless.conf", conf})
	}
	if len(sae) > 0 {
		seeds = append(seeds, Seed{"piwiz/wpa3.conf", sae})
	}
	return seeds, nil
}

// appendSAE appends a network of wpa_supplicant.conf(5) that accepts only WPA3.
// Name and password are in hexadecimal, so that every sign is itself.
func appendSAE(b []byte, n Network, password wifi.Secret, priority int) []byte {
	b = fmt.Appendf(b, "network={\n  ssid=%x\n", n.SSID)
	if n.Hidden {
		b = append(b, "  scan_ssid=1\n"...)
	}
	return fmt.Appendf(b, "  key_mgmt=SAE\n  sae_password=%x\n  ieee80211w=2\n  priority=%d\n}\n", password.Reveal(), priority)
}
