package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
)

// BadAnswers are values that mean nothing, by field. The wizard's own fields are
// tried with the same ones (tui).
func badAnswers(t testing.TB) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("../../testdata/bad-answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string][]string
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A file with every field, each on a line of its own. VALUE is that of one field.
var fields = []string{"name", "board", "user", "country", "time_zone", "locale", "keymap", "release", "state_version", "host_key"}

var good = map[string]string{
	"name": "bach", "board": "4", "user": "alice", "country": "DE", "time_zone": "Europe/Berlin", "locale": "en_US.UTF-8", "keymap": "de",
	"release": "26.05", "state_version": "26.05", "networks[0].ssid": "Home", "networks[0].security": "wpa2",
	"keys[0]": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop",
}

// text writes a string as TOML does.
func text(s string) string {
	b := strings.Builder{}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}

// document is a file of answers, and the line of each field.
func document(values map[string]string) (string, map[string]int) {
	var b strings.Builder
	at, line := map[string]int{}, 0
	put := func(field, s string) {
		line++
		at[field] = line
		b.WriteString(s + "\n")
	}
	put("", "# answers")
	for _, f := range fields {
		if v, ok := values[f]; ok {
			put(f, f+" = "+text(v))
		}
	}
	if v, ok := values["confirmed[0]"]; ok {
		put("confirmed[0]", "confirmed = ["+text(v)+"]")
	}
	put("keys", "keys = [")
	put("keys[0]", "  "+text(values["keys[0]"])+",")
	put("", "]")
	put("networks[0]", "[[networks]]")
	for _, f := range []string{"ssid", "security", "secret_name"} {
		if v, ok := values["networks[0]."+f]; ok {
			put("networks[0]."+f, f+" = "+text(v))
		}
	}
	return b.String(), at
}

func with(field, value string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, good)
	out[field] = value
	return out
}

func TestEveryBadMeaningIsRefusedWithItsLineAndARemedy(t *testing.T) {
	if doc, _ := document(good); true {
		if _, err := ReadHost(strings.NewReader(doc)); err != nil {
			t.Fatal(err)
		}
	}
	for field, values := range badAnswers(t) {
		if len(values) < 10 {
			t.Errorf("%s: only %d", field, len(values))
		}
		for _, v := range values {
			doc, at := document(with(field, v))
			_, err := ReadHost(strings.NewReader(doc))
			var u *Unreadable
			if !errors.As(err, &u) {
				t.Errorf("%s = %q is taken: %v", field, v, err)
				continue
			}
			want := fmt.Sprintf("line %d: %s: ", at[field], field)
			if len(u.Faults) != 1 || !strings.HasPrefix(u.Faults[0], want) || len(u.Faults[0]) < len(want)+8 {
				t.Errorf("%s = %q: %q, want %s…", field, v, u.Faults, want)
			}
		}
	}
}

// What is no text at all has a line and a remedy as well.
func TestEveryWrongFormIsRefusedWithItsLineAndARemedy(t *testing.T) {
	raw := map[string][]string{
		"text":   {"4", "4.5", "true", "2026-05-01", "07:32:00", "[]", "[\"a\"]", "{}", "{a = 1}", "inf", "-1", "0x1F", "[[1]]"},
		"list":   {"4", "4.5", "true", "2026-05-01", "\"x\"", "{}", "{a = 1}", "[4]", "[true]", "[{}]", "[[]]", "nan"},
		"bool":   {"4", "0", "1", "\"yes\"", "\"true\"", "\"\"", "2026-05-01", "[]", "[true]", "{}", "1.5"},
		"tables": {"4", "\"Home\"", "true", "{ssid = \"Home\"}", "[\"Home\"]", "[4]", "[[]]", "[true]", "2026-05-01", "1.5"},
	}
	head := "# answers\n"
	for _, c := range []struct{ kind, before, field, after string }{
		{"text", "", "name", ""},
		{"text", "", "board", ""},
		{"text", "", "user", ""},
		{"text", "", "country", ""},
		{"text", "", "time_zone", ""},
		{"text", "", "locale", ""},
		{"text", "", "keymap", ""},
		{"text", "", "release", ""},
		{"text", "", "state_version", ""},
		{"text", "", "host_key", ""},
		{"list", "", "keys", ""},
		{"list", "", "confirmed", ""},
		{"tables", "", "networks", ""},
		{"text", "[[networks]]\n", "ssid", ""},
		{"text", "[[networks]]\n", "security", ""},
		{"bool", "[[networks]]\n", "hidden", ""},
		{"text", "[[networks]]\n", "secret_name", ""},
	} {
		for _, v := range raw[c.kind] {
			doc := head + c.before + c.field + " = " + v + "\n"
			_, err := ReadHost(strings.NewReader(doc))
			line := strings.Count(head+c.before, "\n") + 1
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", line)) || !strings.Contains(err.Error(), "has the wrong form; write ") {
				t.Errorf("%s = %s: %v", c.field, v, err)
			}
		}
	}
}

// All at once: each line of a file where every answer is wrong is named once.
func TestAllBadMeaningsAreToldAtOnce(t *testing.T) {
	bad := badAnswers(t)
	for i := range 10 {
		values := with("", "")
		for field, list := range bad {
			values[field] = list[i]
		}
		values["state_version"] = "x" // that it is later than the release is told where that is one
		doc, at := document(values)
		_, err := ReadHost(strings.NewReader(doc))
		var u *Unreadable
		if !errors.As(err, &u) {
			t.Fatalf("%v", err)
		}
		said := "\n" + strings.Join(u.Faults, "\n") + "\n"
		for field := range bad {
			if n := strings.Count(said, fmt.Sprintf("\nline %d: %s: ", at[field], field)); n != 1 {
				t.Errorf("%s is named %d times:%s", field, n, said)
			}
		}
		if len(u.Faults) != len(bad) {
			t.Errorf("%d problems of %d:%s", len(u.Faults), len(bad), said)
		}
	}
}

// Form and meaning together, however the networks are written.
func TestFormAndMeaningAreToldTogether(t *testing.T) {
	for doc, want := range map[string][]string{
		"name = \"Ba_ch\"\nboard = 4\nuser = [\"a\"]\nkeys = \"x\"\nnetworks = [{ssid = \"a\", security = \"wep\", password = \"geheim\"},\n  {ssid = 7}]\ncountry = \"UK\"\n": {
			"line 1: name: ", "line 2: the value of board", "line 3: the value of user", "line 4: the value of keys",
			"line 5: networks[0].security: ", "line 5: the key networks[0].password", "line 6: the value of networks[1].ssid", "line 6: networks[1].security: ", "line 7: country: The code of",
		},
		"NAME = \"bach\"\nname = \"Bach\"\n\"user\" = \"root\"\n[[Networks]]\nhidden = \"yes\"\nssid = \"x\"\nssid = \"y\"\n": {
			"line 2: the key name is already set, on line 1", "line 7: the key networks[0].ssid is already set, on line 6",
		},
	} {
		_, err := ReadHost(strings.NewReader(doc))
		if err == nil {
			t.Errorf("taken:\n%s", doc)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("no %q in\n%v", w, err)
			}
		}
		if strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "UK") {
			t.Errorf("a value is shown: %v", err)
		}
	}
}

// FuzzPlaces: whatever the file, a line that is named is one of it.
func FuzzPlaces(f *testing.F) {
	doc, _ := document(good)
	f.Add([]byte(doc))
	f.Add([]byte("networks = [{ssid = \"a\"}, {a.b.c = [[1]]}]\n[a]\nb.c=1\n[[a.d]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + 1
		p := placesOf(data)
		for name, line := range p.line {
			if line < 1 || line > lines {
				t.Fatalf("%q on line %d of %d", name, line, lines)
			}
		}
		_, problems := parse(data)
		for _, x := range problems {
			if x.Line < 0 || x.Line > lines {
				t.Fatalf("%v", x)
			}
		}
	})
}
