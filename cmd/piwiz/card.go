package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"piwiz/flash/detect"
	"piwiz/flash/disk"
	"piwiz/flash/named"
	"piwiz/tui/clean"
)

// emmcFlag is for whoever wants it: on a few boards the memory that is soldered
// in is what a system is written to.
func (p *program) emmcFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.emmc, "emmc", false, "offer memory that is soldered into this computer too, unless it runs from it")
}

// cards lists the disks; the one that --any-disk names is offered whatever it
// is, unless the computer runs from it.
func (p *program) cards(ctx context.Context) ([]disk.Device, error) {
	all, err := detect.List(ctx, "/")
	also := ""
	if p.anyDisk != "" {
		also, _ = named.Disk("/", p.anyDisk) // it was there at the start; now it may be out
	}
	for i := range all {
		all[i].Soldered = p.emmc
		if all[i].Name == also {
			all[i], _ = all[i].Named()
		}
	}
	return all, err
}

// notCard is a name that is not that of a card to write, and what is.
type notCard struct {
	what string
	todo []string
}

func (n *notCard) Error() string   { return n.what }
func (n *notCard) Hints() []string { return n.todo }

// findCard finds the disk that the user named. again is the command line to
// which the right name is added.
func (p *program) findCard(ctx context.Context, typed string, anyDisk bool, again string) (disk.Device, error) {
	all, err := p.cards(ctx)
	if err != nil {
		return disk.Device{}, err
	}
	name, err := named.Disk("/", typed)
	if err != nil {
		return disk.Device{}, &exit{refused, notNamed(err, all, again)}
	}
	d, err := listed(all, name)
	if err != nil {
		return d, err
	}
	d.Soldered = p.emmc
	possible, special := d.Named()
	if anyDisk {
		d = possible
	}
	why := d.Refusal()
	if why == "" {
		return d, nil
	}
	n := &notCard{what: d.Path + " is not written: " + why}
	if special && !anyDisk && possible.Refusal() == "" {
		n.todo = append(n.todo, "If you are certain that it is a card to write, such as an SD Express card: "+again+" "+d.Path+" --any-disk")
	}
	n.todo = append(n.todo, instead(all))
	return d, &exit{refused, n}
}

// listed is a disk of the list, or one that the list leaves out.
func listed(all []disk.Device, name string) (disk.Device, error) {
	if i := slices.IndexFunc(all, func(d disk.Device) bool { return d.Name == name }); i >= 0 {
		return all[i], nil
	}
	d, err := disk.Read("/", name)
	if errors.Is(err, fs.ErrNotExist) {
		return d, &exit{refused, &notCard{"/dev/" + name + " was taken out just now", []string{instead(all)}}}
	}
	return d, err
}

// notNamed adds to what a name means which card may be meant, or all there are.
func notNamed(err error, all []disk.Device, again string) error {
	n := &notCard{what: err.Error()}
	var e *named.Error
	if !errors.As(err, &e) {
		return err
	}
	n.todo = e.Hints()
	for _, name := range e.Instead {
		d, err := listed(all, name)
		switch {
		case err != nil:
		case d.Refusal() == "":
			n.todo = append(n.todo, fmt.Sprintf("To erase that whole disk, %s: %s %s", describe(d), again, d.Path))
		default:
			n.todo = append(n.todo, fmt.Sprintf("That disk, %s, is not written either: %s", d.Path, d.Refusal()))
		}
	}
	if len(n.todo) == 0 {
		n.todo = []string{instead(all)}
	}
	return n
}

// instead says what may be written now.
func instead(all []disk.Device) string {
	var names []string
	for _, d := range all {
		if d.Refusal() == "" {
			names = append(names, d.Path+" ("+describe(d)+")")
		}
	}
	if names == nil {
		return "There is no card in this computer now: put one in. `piwiz cards --all` says why its other disks are not written."
	}
	return "These may be written now: " + strings.Join(names, ", ") + "."
}

func describe(d disk.Device) string {
	return strings.Join(strings.Fields(disk.Human(d.Size)+" "+d.Vendor+" "+d.Model), " ")
}

// confirm lets the user type the card's name, and once more when it is perhaps
// no card. Where nobody can type, only --yes goes on, and for what is no card
// not even that.
func confirm(ctx context.Context, d disk.Device) error {
	ask := onTerminal()
	switch there := ask.here(); {
	case !there && d.Any:
		return &exit{refused, &notCard{d.Path + " is no SD card, and nobody is here to confirm that it is meant", []string{"Run this at a terminal: two answers have to be typed, and --yes does not stand for them."}}}
	case !there:
		return &exit{refused, fmt.Errorf("%s would be erased and nobody is here to confirm it; add --yes if that is wanted", d.Path)}
	}
	tell(fmt.Sprintf("Everything on %s (%s) will be erased: %s", d.Path, describe(d), d.Contents()))
	if err := asked(ctx, ask, d.Name); err != nil || d.Doubt() == "" {
		return err
	}
	tell(d.Doubt())
	if newest := detect.Newest(ctx, d); !newest.IsZero() {
		tell("The newest file on it is from " + newest.Format("2 January 2006") + ".")
	}
	return asked(ctx, ask, "erase")
}

// asked has a word typed.
func asked(ctx context.Context, ask *prompt, word string) error {
	text, err := ask.line(ctx, "Type "+clean.Name(word)+" to go on: ")
	switch {
	case err != nil:
		return &exit{cancelled, fmt.Errorf("nothing was written: %w", err)}
	case text != word:
		return &exit{refused, errors.New("nothing was written")}
	}
	return nil
}
