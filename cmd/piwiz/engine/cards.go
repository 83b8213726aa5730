package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/flash/named"
	"piwiz/nixgen/fault"
)

// Cards lists the disks; the one that --any-disk names is offered whatever it
// is, unless the computer runs from it.
func (e *Engine) Cards(ctx context.Context) ([]disk.Device, error) {
	all, err := detect.List(ctx, "/")
	also := ""
	if e.AnyDisk != "" {
		also, _ = named.Disk("/", e.AnyDisk) // it was there at the start; now it may be out
	}
	for i := range all {
		all[i].Soldered = e.Soldered
		if all[i].Name == also {
			all[i], _ = all[i].Named()
		}
	}
	return all, err
}

// Card finds the disk that the user named. again is the command line to
// which the right name is added.
func (e *Engine) Card(ctx context.Context, typed string, anyDisk bool, again string) (disk.Device, error) {
	all, err := e.Cards(ctx)
	if err != nil {
		return disk.Device{}, err
	}
	name, err := named.Disk("/", typed)
	if err != nil {
		return disk.Device{}, &Refused{notNamed(err, all, again)}
	}
	d, err := listed(all, name)
	if err != nil {
		return d, err
	}
	d.Soldered = e.Soldered
	possible, special := d.Named()
	if anyDisk {
		d = possible
	}
	why := d.Refusal()
	if why == "" {
		return d, nil
	}
	n := &fault.Error{Headline: d.Path + " is not written: " + why}
	if special && !anyDisk && possible.Refusal() == "" {
		n.Todo = append(n.Todo, "If you are certain that this is the card to write, such as an SD Express card: "+again+" "+d.Path+" --any-disk")
	}
	n.Todo = append(n.Todo, instead(all))
	return d, &Refused{n}
}

// listed is a disk of the list, or one that the list leaves out.
func listed(all []disk.Device, name string) (disk.Device, error) {
	if i := slices.IndexFunc(all, func(d disk.Device) bool { return d.Name == name }); i >= 0 {
		return all[i], nil
	}
	d, err := disk.Read("/", name)
	if errors.Is(err, fs.ErrNotExist) {
		return d, &Refused{&fault.Error{Headline: "/dev/" + name + " was taken out just now", Todo: fault.Todo{instead(all)}}}
	}
	return d, err
}

// notNamed adds to what a name means which card may be meant, or all there are.
func notNamed(err error, all []disk.Device, again string) error {
	n := &fault.Error{Headline: err.Error()}
	var no *named.Error
	if !errors.As(err, &no) {
		return err
	}
	n.Todo = no.Hints()
	for _, name := range no.Instead {
		d, err := listed(all, name)
		switch {
		case err != nil:
		case d.Refusal() == "":
			n.Todo = append(n.Todo, fmt.Sprintf("To erase that whole disk, %s: %s %s", Describe(d), again, d.Path))
		default:
			n.Todo = append(n.Todo, fmt.Sprintf("That disk, %s, is not written either: %s", d.Path, d.Refusal()))
		}
	}
	if len(n.Todo) == 0 {
		n.Todo = []string{instead(all)}
	}
	return n
}

// instead says what may be written now.
func instead(all []disk.Device) string {
	var names []string
	for _, d := range all {
		if d.Refusal() == "" {
			names = append(names, d.Path+" ("+Describe(d)+")")
		}
	}
	if names == nil {
		return "There is no card in this computer now: put one in. `piwiz cards --all` says why its other disks cannot be written."
	}
	return "These cards can be written now: " + strings.Join(names, ", ") + "."
}

// Describe is what a person calls a disk: its size, maker and model.
func Describe(d disk.Device) string {
	return strings.Join(strings.Fields(disk.Human(d.Size)+" "+d.Vendor+" "+d.Model), " ")
}
