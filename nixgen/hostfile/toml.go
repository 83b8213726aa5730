package hostfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen/wifi"
)

// Unreadable is a file that is not what it should be: all that is wrong with
// it. People write passwords where they do not belong, so it tells lines and
// keys and never what stands there: neither the value nor, as the library
// would, the lines around it.
type Unreadable struct {
	Faults []string // each with its line
	secret bool     // a key that is not known has the name of a password
}

func (u *Unreadable) Error() string {
	if len(u.Faults) == 1 {
		return u.Faults[0]
	}
	return "this cannot be used:\n  " + strings.Join(u.Faults, "\n  ")
}

// Hints says where a password belongs.
func (u *Unreadable) Hints() []string {
	hints := []string{"Correct the line, or remove it."}
	if len(u.Faults) > 1 {
		hints[0] = "Correct these lines, or remove them."
	}
	if u.secret {
		hints = append(hints, "No password belongs into this file. That of a Wi-Fi network is asked for by the wizard: run piwiz. For logging in there are keys.")
	}
	return hints
}

// decode reads a TOML document. Its error is *Unreadable.
func decode(data []byte, into any) error {
	err := toml.Unmarshal(data, into)
	var wrong *toml.DecodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && len(wrong.Key()) > 0:
		row, _ := wrong.Position()
		return &Unreadable{Faults: []string{fmt.Sprintf("line %d: the value of %s has the wrong form", row, strings.Join(wrong.Key(), "."))}}
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return &Unreadable{Faults: []string{fmt.Sprintf("line %d, column %d: this is not TOML; check the quotes and brackets of this line", row, column)}}
	}
	return &Unreadable{Faults: []string{"this is not TOML"}}
}

type secretLine struct {
	SSID   string `toml:"ssid"`
	Secret string `toml:"secret"`
}

// readSecrets reads a wifi.toml.
func readSecrets(data []byte) (map[string]wifi.Secret, error) {
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
