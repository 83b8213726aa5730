package tui

import (
	"context"
	"testing"
	"time"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/disk/bus"
	"piwiz/flash/firstboot"
	"piwiz/nixgen/hostfile"
)

// atCards drives to the card page.
func atCards(t *testing.T, e Engine) *driver {
	t.Helper()
	d := drive(t, e)
	d.toPreview()
	d.keys("enter")
	d.tick()
	d.keys("enter")
	d.on("card")
	return d
}

func TestADiskThatIsPerhapsNoCardIsAskedForTwiceWithWhatIsOnIt(t *testing.T) {
	e := engine(t)
	big := sdb
	big.Size, big.Model = 1e12, "Elements"
	e.Cards = func(context.Context) ([]disk.Device, error) { return []disk.Device{big}, nil }
	e.Newest = func(context.Context, disk.Device) time.Time { return time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC) }
	d := atCards(t, e)
	d.keys("enter")
	d.sees("The newest file on it is from 3 May 2026.")
	d.keys("sdb", "enter")
	d.on("card")
	d.sees("are you sure that it is not a disk with your")
	d.sees("HOLIDAY")
	d.keys("sdb", "enter")
	d.on("card")
	d.keys("esc", "enter", "erase", "enter")
	d.on("card") // the second answer is none to the first question
	d.keys("esc", "enter", "sdb", "enter", "erase", "enter")
	d.on("write")
}

func TestADiskThatWasNamedIsOfferedAndAskedForTwice(t *testing.T) {
	e := engine(t)
	express := disk.Device{Name: "nvme1n1", Path: "/dev/nvme1n1", Size: 128e9, Model: "SD Express", Bus: bus.NVMe}
	all := []disk.Device{express}
	e.Cards = func(context.Context) ([]disk.Device, error) { return all, nil }
	d := atCards(t, e)
	d.sees("Put an SD card into this computer")
	d.keys("h")
	d.sees("piwiz --any-disk /dev/nvme1n1")
	all[0], _ = express.Named()
	d = atCards(t, e)
	d.sees("like an SD Express card")
	d.keys("enter", "nvme1n1", "enter")
	d.on("card")
	d.sees("type erase and press enter")
	d.keys("yes", "enter")
	d.on("card")
	d.keys("esc", "enter", "nvme1n1", "enter", "erase", "enter")
	d.on("write")
}

func TestWhereThereIsNoCardNoKeyToUseOneIsOffered(t *testing.T) {
	e := engine(t)
	inside := disk.Device{Name: "sda", Path: "/dev/sda", Size: 1 << 40}
	e.Cards = func(context.Context) ([]disk.Device, error) { return []disk.Device{inside}, nil }
	d := atCards(t, e)
	d.sees("Put an SD card into this computer")
	d.sees("h hidden disks")
	d.lacks("use this card")
	d.keys("enter")
	d.on("card")
}

func TestACardThatIsPluggedInShowsUpAndTheChoiceStays(t *testing.T) {
	e := engine(t)
	changed := make(chan struct{})
	ended := make(chan struct{})
	e.CardsChanged = func(ctx context.Context) <-chan struct{} {
		context.AfterFunc(ctx, func() { close(ended) })
		return changed
	}
	stick := sdb
	stick.Name, stick.Path = "sdd", "/dev/sdd"
	cards := make(chan []disk.Device, 2)
	cards <- []disk.Device{sdb, stick}
	e.Cards = func(context.Context) ([]disk.Device, error) { return <-cards, nil }
	d := atCards(t, e)
	d.keys("down")
	first := sdb
	first.Name, first.Path = "mmcblk0", "/dev/mmcblk0"
	cards <- []disk.Device{first, sdb, stick}
	changed <- struct{}{}
	d.sees("mmcblk0")
	if c, _ := d.w.page().(*cardPage).chosen(); c.Path != "/dev/sdd" {
		t.Errorf("now %s is chosen", c.Path)
	}
	d.keys("esc")
	d.on("build")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the watch goes on behind another page")
	}
}

func TestTheQuestionForThePasswordCanBeTakenBack(t *testing.T) {
	e := engine(t)
	asked, late := make(chan struct{}), &memory{}
	e.Open = func(ctx context.Context, _ disk.Device) (flash.Opened, error) {
		close(asked)
		<-ctx.Done()
		return late, nil // the answer was on its way
	}
	d := atCards(t, e)
	d.keys("enter", "sdb", "enter")
	<-asked
	d.sees("If a window asks for your password")
	d.press("esc")
	d.sees("The card you choose will be erased")
	if late.closed != 1 {
		t.Errorf("closed %d times", late.closed)
	}
}

func TestAnEjectedCardIsSaidToBeAndNoOther(t *testing.T) {
	for safe, want := range map[bool]string{true: "It is ejected: take it out.", false: "eject it there first"} {
		e, card := engine(t), &memory{}
		e.Open = func(context.Context, disk.Device) (flash.Opened, error) { return card, nil }
		e.Write = func(_ context.Context, _ hostfile.Saved, c flash.Opened, d disk.Device, _ func(flash.Progress)) (flash.Written, error) {
			return flash.Written{Ejected: c.Close() == nil && d.Path == sdb.Path && safe}, nil
		}
		e.Wait = func(ctx context.Context, _ hostfile.Saved, _ func(firstboot.Event)) (firstboot.Result, error) {
			<-ctx.Done()
			return firstboot.Result{}, ctx.Err()
		}
		d := atCards(t, e)
		d.keys("enter", "sdb", "enter")
		d.on("wait")
		d.sees(want)
		if card.closed != 1 {
			t.Errorf("closed %d times", card.closed)
		}
	}
}
