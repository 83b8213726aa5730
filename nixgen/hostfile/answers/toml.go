package answers

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/wifi"
)

// Unreadable is a file that is not what it should be: all that is wrong with
// it. People write passwords where they do not belong, so it tells lines and
// keys and never what stands there: neither the value nor, as the library
// would, the lines around it.
type Unreadable struct {
	Faults []string // each with its line
	fault.Todo
}

func (u *Unreadable) Error() string {
	if len(u.Faults) == 1 {
		return u.Faults[0]
	}
	return "this cannot be used:\n  " + strings.Join(u.Faults, "\n  ")
}

// faulty is the error for these faults. secret says that a key that is not
// known has the name of a password.
func faulty(secret bool, faults ...string) *Unreadable {
	hints := fault.Todo{"Correct the line, or remove it."}
	if len(faults) > 1 {
		hints[0] = "Correct these lines, or remove them."
	}
	if secret {
		hints = append(hints, "Passwords do not belong in this file. The wizard asks for a Wi-Fi password: run piwiz. To log in you need a key, not a password.")
	}
	return &Unreadable{faults, hints}
}

// bom is what editors of Windows put before a text. TOML 1.1 says to ignore it.
const bom = "\ufeff"

// decode reads a TOML document. Its error is *Unreadable.
func decode(data []byte, into any) error {
	data = bytes.TrimPrefix(data, []byte(bom))
	if row := foreignLine(data); row > 0 {
		return faulty(false, fmt.Sprintf("line %d: this is not written in UTF-8; save the file as UTF-8 with an editor", row))
	}
	err := toml.Unmarshal(data, into)
	var wrong *toml.DecodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && len(wrong.Key()) > 0:
		row, _ := wrong.Position()
		return faulty(false, fmt.Sprintf("line %d: the value of %s has the wrong form", row, strings.Join(wrong.Key(), ".")))
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return faulty(false, fmt.Sprintf("line %d, column %d: this is not TOML; check the quotes and brackets of this line", row, column))
	}
	return faulty(false, "this is not TOML")
}

// foreignLine is the first line with something that is no UTF-8, 0 for none.
func foreignLine(data []byte) int {
	for row := 1; len(data) > 0; row++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if !utf8.Valid(line) {
			return row
		}
		data = rest
	}
	return 0
}

type secretLine struct {
	SSID   string `toml:"ssid"`
	Secret string `toml:"secret"`
}

// MarshalSecrets writes a wifi.toml: the passwords of these networks, without
// those that have none. Its error tells nothing, as a cause could hold one.
func MarshalSecrets(networks []nixgen.Network, psk map[string]wifi.Secret) ([]byte, error) {
	var plain struct {
		Networks []secretLine `toml:"networks"`
	}
	for _, n := range networks {
		if secret := psk[n.SSID]; !secret.IsZero() {
			plain.Networks = append(plain.Networks, secretLine{n.SSID, secret.Reveal()})
		}
	}
	out, err := toml.Marshal(plain)
	if err != nil {
		return nil, errors.New("the Wi-Fi passwords cannot be written")
	}
	return out, nil
}

// ReadSecrets reads a wifi.toml: the passwords by SSID.
func ReadSecrets(data []byte) (map[string]wifi.Secret, error) {
	var plain struct{ Networks []secretLine }
	out := map[string]wifi.Secret{}
	if err := decode(data, &plain); err != nil {
		return out, err
	}
	for _, n := range plain.Networks {
		if _, twice := out[n.SSID]; twice {
			return out, fmt.Errorf("the network %q is in it twice", n.SSID)
		}
		out[n.SSID] = wifi.NewSecret(n.Secret)
	}
	return out, nil
}
