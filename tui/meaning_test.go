package tui

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/wifi"
)

// What a file of answers is refused for (nixgen/hostfile), the wizard refuses as
// well where it asks: the page stays and says why, or takes what was meant. Its
// other answers are chosen from lists or guessed by this computer.
func TestBadMeaningsAreRefusedWhereTheyAreTyped(t *testing.T) {
	data, err := os.ReadFile("../nixgen/testdata/bad-answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var bad map[string][]string
	if err := json.Unmarshal(data, &bad); err != nil {
		t.Fatal(err)
	}
	clear := func(d *driver) { d.send(tea.KeyMsg{Type: tea.KeyCtrlU}) }
	into := func(d *driver, v string) {
		clear(d)
		if v != "" {
			d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(v)})
		}
		d.keys("enter")
	}
	asks := map[string]struct {
		page  string
		typed func(d *driver, v string)
	}{
		"name": {"hostname", func(d *driver, v string) {
			into(d, v)
			d.keys("enter")
		}},
		"user": {"hostname", func(d *driver, v string) {
			d.keys("bach", "enter")
			into(d, v)
		}},
		"country": {"wifi", func(d *driver, v string) {
			d.keys("bach", "enter", "enter")
			d.on("wifi")
			d.keys("enter")
			into(d, v)
		}},
		"networks[0].ssid": {"wifi", func(d *driver, v string) {
			d.keys("bach", "enter", "enter")
			d.on("wifi")
			d.ctrlT()
			into(d, v)
			d.keys("enter", "correct horse", "enter", "enter")
		}},
	}
	for field, ask := range asks {
		stayed := 0
		for _, v := range bad[field] {
			d := drive(t, engine(t))
			d.keys("enter", "enter", "enter")
			d.on("hostname")
			ask.typed(d, v)
			if d.w.steps[d.w.at].name == ask.page {
				stayed++
			}
			h := d.w.saved.Host
			h.Keys = []string{keyLine}
			h.Board = nixgen.Pi4
			if h.Name == "" {
				h.Name = "bach"
			}
			for _, p := range h.Problems() {
				if !strings.HasPrefix(p.Field, "networks") {
					t.Errorf("%s = %q is taken: %v", field, v, p)
				}
			}
			for _, o := range d.w.wifi.offers {
				if err := wifi.CheckSSID(o.SSID); err != nil {
					t.Errorf("%s = %q is taken: %v", field, v, err)
				}
			}
		}
		// What is only another way to write it is taken as it was meant.
		meant := map[string]int{"name": 2, "user": 1, "country": 1}[field]
		if field != "networks[0].ssid" && len(bad[field])-stayed > meant {
			t.Errorf("%s: %d of %d are not refused", field, len(bad[field])-stayed, len(bad[field]))
		}
		if !slices.Contains(bad[field], "") && field == "name" {
			t.Error("nothing is not tried")
		}
	}
}
