package answers

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const keysLine = `keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"]
`

const password = "correct horse 4711"

// Each has a fault in line 3, and the password on that line or beside it.
var leaky = map[string]string{
	"an unknown key":             "name = \"bach\"\n\npassword = \"P\"\n",
	"in a table":                 "name = \"bach\"\n[[networks]]\npsk = \"P\"\n",
	"in an inline table":         "name = \"bach\"\n\nnetworks = [{ssid = \"x\", password = \"P\"}]\n",
	"a table":                    "name = \"bach\"\n# P\n[P4711]\npassword = \"P\"\n",
	"without quotes":             "name = \"bach\"\n\nname2 = P\n",
	"without an end":             "name = \"bach\"\n\nuser = \"P\nboard = \"4\"\n",
	"a number":                   "name = \"bach\"\n# P\nuser = 4711 # P\n",
	"a float":                    "name = \"bach\"\n# P\nuser = 4711.4711e4711\n",
	"a date":                     "name = \"bach\"\n# P\nuser = 4711-47-11\n",
	"a list":                     "name = \"bach\"\n\nuser = [\"P\"]\n",
	"a text for a list":          "name = \"bach\"\n\nkeys = \"P\"\n",
	"a wrong escape":             "name = \"bach\"\n\nuser = \"\\q P\"\n",
	"a key twice":                "name = \"bach\"\nuser = \"P\"\nuser = \"P\"\n",
	"no TOML":                    "name = \"bach\"\n\nP\n",
	"a control character":        "name = \"bach\"\n\nuser = \"P\x01\"\n",
	"bytes that are no text":     "name = \"bach\"\n\nuser = \"P\xff\"\n",
	"a private key":              "name = \"bach\"\n\n-----BEGIN OPENSSH PRIVATE KEY----- P\n",
	"a text of several lines":    "name = \"bach\"\n\npassword = \"\"\"P\nP\"\"\"\n",
	"a number that is too large": "name = \"bach\"\n\nuser = 471147114711471147114711\n",
}

func TestNoErrorShowsWhatStandsInAFile(t *testing.T) {
	for name, text := range leaky {
		text = strings.ReplaceAll(text, "P\"", password+"\"")
		text = strings.ReplaceAll(text, "P\n", password+"\n")
		_, err := ReadHost(strings.NewReader(text))
		_, err2 := ReadSecrets([]byte(text))
		var u *Unreadable
		if !errors.As(err, &u) || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range []error{err, err2} {
			if said := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(said, "horse") || strings.Contains(said, "4711") && name != "a table" {
				t.Errorf("%s is shown: %s", name, said)
			}
		}
	}
}

// Editors of Windows put a mark before a text, and end lines with two bytes.
func TestAMarkBeforeTheTextIsNoFault(t *testing.T) {
	text := "name = \"bach\"\nboard = \"4\"\nuser = \"alice\"\n" + keysLine
	for _, text := range []string{bom + text, bom + strings.ReplaceAll(text, "\n", "\r\n")} {
		if h, err := ReadHost(strings.NewReader(text)); err != nil || h.Name != "bach" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got, err := ReadSecrets([]byte(bom + "[[networks]]\nssid = \"a\"\nsecret = \"b\"\n")); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
	_, err := ReadHost(strings.NewReader(bom + "name = \"bach\"\nnme = \"x\"\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2: the key nme") {
		t.Error(err)
	}
	for text, line := range map[string]string{"\xff\xfen\x00a\x00": "line 1", "name = \"x\"\n# \xe4\n": "line 2"} {
		if _, err := ReadHost(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), line+": this is not written in UTF-8") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAllUnknownKeysAreToldWithTheirLines(t *testing.T) {
	_, err := ReadHost(strings.NewReader("nme = \"x\"\nboard = \"4\"\nname = \"x\"\nuser = \"alice\"\n" + keysLine + "[[networks]]\nssid = \"a\"\nsecurity = \"wpa2\"\npsk = \"b\"\n"))
	var u *Unreadable
	if !errors.As(err, &u) || len(u.Faults) != 2 || !strings.Contains(u.Faults[0], "line 1: the key nme") || !strings.Contains(u.Faults[1], "line 9: the key networks[0].psk") {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(strings.Join(u.Hints(), "\n"), "The wizard asks for a Wi-Fi password") {
		t.Errorf("%q", u.Hints())
	}
}

// Whatever the file, an error shows no value of it.
func FuzzNoErrorShowsAValue(f *testing.F) {
	for _, text := range leaky {
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, after bool) {
		// A marker as a value at the end of what the fuzzer made, and before it.
		const marker = "qZ7-marker-Zq7"
		text := append([]byte("user = \""+marker+"\"\n"), b...)
		if after {
			text = append(bytes.Clone(b), []byte("\nuser = \""+marker+"\"\n")...)
		}
		_, err := ReadHost(bytes.NewReader(text))
		_, err2 := ReadSecrets(text)
		for _, err := range []error{err, err2} {
			if err != nil && strings.Contains(err.Error(), marker) {
				var u *Unreadable
				// As a key it may be named: `"""` before it can make it one.
				if errors.As(err, &u) && !strings.Contains(err.Error(), "the key") {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
	})
}
