package tui

import (
	"errors"
	"fmt"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
)

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
			d.sees("Left out: ")
		}
		d.press("down", "down")
		d.sees("► Leave")
		d.sees("↑ more")
	}
}
