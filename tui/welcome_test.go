package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/hostfile/inspect"
)

// ailing is a saved host with these kinds of problems.
func ailing(kinds ...inspect.Kind) hostfile.Saved {
	h := hostfile.Saved{Host: nixgen.Host{Name: "bach", Board: nixgen.Pi4, User: "alice", Keys: []string{keyLine}}}
	for _, k := range kinds {
		h.Problems = append(h.Problems, inspect.Problem{File: fmt.Sprintf("/hosts/bach/part%d", k), Err: errors.New("it is missing"), Kind: k, Todo: []string{fmt.Sprintf("Run: remedy %d", k)}})
	}
	return h
}

func TestNothingIsBuiltForAHostBeforeItsProblemsAreSeen(t *testing.T) {
	all := []inspect.Kind{inspect.Note, inspect.NoPassword, inspect.NoKey, inspect.Stop}
	for set := 1; set < 16; set++ {
		var kinds []inspect.Kind
		for i, k := range all {
			if set>>i&1 == 1 {
				kinds = append(kinds, k)
			}
		}
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			h := ailing(kinds...)
			e := engine(t)
			e.Hosts = func() ([]hostfile.Saved, []error, error) { return []hostfile.Saved{h}, nil, nil }
			d := drive(t, e)
			d.keys("down")
			d.sees("Something is wrong with it.")
			d.keys("enter")
			d.on("welcome")
			for _, k := range kinds {
				d.sees(fmt.Sprintf("/hosts/bach/part%d: it is missing", k))
				d.sees(fmt.Sprintf("Run: remedy %d", k))
			}
			lost, stop := h.Lacks(inspect.NoKey), h.Lacks(inspect.Stop)
			d.keys("x", "n", " ")
			d.on("welcome")
			if lost || stop {
				d.keys("enter")
				d.on("welcome")
			}
			if stop {
				d.keys("y")
				d.on("welcome")
				return
			}
			if lost {
				d.keys("y")
			} else {
				d.keys("enter")
			}
			if d.w.saved.NewKey != lost {
				t.Errorf("a new key is %v", d.w.saved.NewKey)
			}
			if h.Lacks(inspect.NoPassword) {
				d.on("wifi")
			} else {
				d.on("build")
			}
		})
	}
}

func TestAProblemThatIsFixedIsGone(t *testing.T) {
	h, others := ailing(inspect.Stop), []error{inspect.Problem{File: "/hosts/x", Err: errors.New("it is damaged"), Todo: []string{"Run: fix it"}}}
	e := engine(t)
	e.Hosts = func() ([]hostfile.Saved, []error, error) { return []hostfile.Saved{h}, others, nil }
	d := drive(t, e)
	d.keys("down", "enter", "r")
	d.sees("/hosts/bach/part3")
	h.Problems = nil
	d.keys("r")
	d.sees("► Replace the dead card of bach")
	d.sees("Same name, same keys, same settings.")
	d.keys("down", "enter")
	d.sees("Run: fix it")
	others = nil
	d.keys("r")
	d.sees("Set up a new Raspberry Pi")
}

func TestTheChosenHostIsInSightHoweverManyThereAre(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 60, Height: 20}} {
		e := engine(t)
		e.Hosts = func() ([]hostfile.Saved, []error, error) {
			var out []hostfile.Saved
			for i := range 40 {
				out = append(out, hostfile.Saved{Host: nixgen.Host{Name: fmt.Sprintf("pi%02d", i)}})
			}
			return out, []error{errors.New("the folder of bach cannot be read")}, nil
		}
		d := drive(t, e)
		d.send(size)
		d.sees("► Set up a new Raspberry Pi")
		d.sees("↓ more")
		for i := range 40 {
			d.press("down")
			d.sees(fmt.Sprintf("► Replace the dead card of pi%02d", i))
			d.sees("Same name, same keys, same settings.")
			d.sees("Skipped: ")
		}
		d.press("down")
		d.sees("► Show what is wrong")
		d.press("down", "down")
		d.sees("► Leave")
		d.sees("↑ more")
	}
}

func TestTheLastPageSaysWhatMustBeBackedUp(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 60, Height: 20}} {
		d := drive(t, engine(t))
		d.send(size)
		d.w.saved = hostfile.Saved{Host: nixgen.Host{Name: "bach", User: "alice"}, Folder: "/home/alice/.local/share/piwiz/hosts/bach"}
		d.w.found.Name = "bach.local"
		for i, s := range d.w.steps {
			if s.name == "done" {
				d.w.at = i
				d.w.page().enter(d.w.state)
			}
		}
		done := d.w.page().(*donePage)
		<-done.run.done
		d.send(tick{done.run})
		seen := d.w.View()
		d.send(tea.KeyMsg{Type: tea.KeyPgDown})
		seen += d.w.View()
		for _, want := range []string{"ssh alice@bach.local", "/home/alice/.local/share/piwiz/hosts/bach", "piwiz hosts export bach", "piwiz wait bach"} {
			if !strings.Contains(strings.Join(strings.Fields(seen), " "), want) {
				t.Errorf("%v: %q is not said:\n%s", size, want, seen)
			}
		}
		if testing.Verbose() {
			t.Log("\n" + d.w.View())
		}
	}
}
