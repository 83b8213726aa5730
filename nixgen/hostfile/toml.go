package hostfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"piwiz/nixgen"
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
	if u.secret {
		hints = append(hints, "No password belongs into this file. That of a Wi-Fi network is asked for by the wizard: run piwiz. For logging in there are keys.")
	}
	return hints
}

// decode reads a TOML document. Its error is *Unreadable.
func decode(data []byte, into any, strict bool) error {
	d := toml.NewDecoder(bytes.NewReader(data))
	if strict {
		d.DisallowUnknownFields()
	}
	err := d.Decode(into)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		u := &Unreadable{}
		for _, e := range unknown.Errors {
			row, _ := e.Position()
			u.Faults = append(u.Faults, fmt.Sprintf("line %d: the key %s is not known", row, keyOf(&e)))
			u.secret = u.secret || slices.ContainsFunc([]string{"pass", "psk", "secret", "key"}, func(word string) bool {
				return strings.Contains(strings.ToLower(keyOf(&e)), word)
			})
		}
		return u
	case errors.As(err, &wrong) && keyOf(wrong) != "":
		row, _ := wrong.Position()
		return &Unreadable{Faults: []string{fmt.Sprintf("line %d: the value of %s has the wrong form", row, keyOf(wrong))}}
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return &Unreadable{Faults: []string{fmt.Sprintf("line %d, column %d: this is not TOML; check the quotes and brackets of this line", row, column)}}
	}
	return &Unreadable{Faults: []string{"this is not TOML"}}
}

// keyOf is the key with its tables, as one would write it.
func keyOf(e *toml.DecodeError) string { return strings.Join(e.Key(), ".") }

type secretLine struct {
	SSID   string `toml:"ssid"`
	Secret string `toml:"secret"`
}

// readSecrets reads a wifi.toml.
func readSecrets(data []byte) (map[string]wifi.Secret, error) {
	var plain struct{ Networks []secretLine }
	out := map[string]wifi.Secret{}
	if err := decode(data, &plain, false); err != nil {
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

// readAnswers reads the answers in a file of a host.
func readAnswers(path string) (nixgen.Host, error) {
	data, err := readPart(path)
	if err != nil {
		return nixgen.Host{}, err
	}
	return ReadAnswers(bytes.NewReader(data))
}

// ReadAnswers reads a host.toml. What is unknown in it, or of a wrong form, is
// *Unreadable.
func ReadAnswers(r io.Reader) (nixgen.Host, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nixgen.Host{}, err
	}
	if len(data) > maxFile {
		return nixgen.Host{}, errors.New("the file is too large to be a host.toml")
	}
	var h nixgen.Host
	err = decode(data, &h, true)
	return h, err
}
