package udisks

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"

	"piwiz/flash/disk"
)

// Release closes a written card by calling closeCard, and has it ejected, or its
// USB disk switched off. It asks nobody. True means that the card is out of
// reach of this computer until it is plugged in again: nothing can open its
// files, so it is safe to remove. Otherwise its new partitions are shown.
//
// A slot is ejected while the card is still held, lest a file manager opens
// the new partitions first. A reader is never switched off for its card: it
// would be gone until somebody plugs it in again, with its other slots.
func Release(ctx context.Context, d disk.Device, closeCard func()) (safe bool) {
	ctx, stop := context.WithTimeout(ctx, 2*startup)
	defer stop()
	s, err := Connect(ctx)
	if err != nil {
		closeCard()
		return false
	}
	defer s.Close()
	block, drive, err := s.drive(ctx, d)
	if err != nil {
		closeCard()
		return false
	}
	method := service + ".Drive.Eject"
	if drive.flag(ctx, "Ejectable") {
		err = drive.call(ctx, method)
		closeCard()
	} else {
		closeCard()
		method, err = service+".Drive.PowerOff", errors.New("neither ejected nor switched off")
		if drive.flag(ctx, "CanPowerOff") && !d.Removable {
			err = drive.call(ctx, method)
		}
	}
	if err == nil && gone(ctx, d) {
		return true
	}
	slog.Info("the card is still in", "tried", method, "error", err)
	_ = block.call(ctx, service+".Block.Rescan") // udev does it too, where it runs
	return false
}

type object struct{ dbus.BusObject }

// drive finds a disk and the drive it is in.
func (s *Service) drive(ctx context.Context, d disk.Device) (block, drive object, err error) {
	o, err := s.object(ctx, d.Path)
	if err != nil {
		return object{}, object{}, err
	}
	block = object{o}
	var path dbus.ObjectPath
	if err := block.property(ctx, "Block", "Drive").Store(&path); err != nil {
		return object{}, object{}, explained(err)
	}
	return block, object{s.bus.Object(service, path)}, nil
}

func (o object) property(ctx context.Context, kind, name string) *dbus.Call {
	return o.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, service+"."+kind, name)
}

// flag is a property of a drive; one that is not there is false.
func (o object) flag(ctx context.Context, name string) bool {
	var set bool
	return o.property(ctx, "Drive", name).Store(&set) == nil && set
}

func (o object) call(ctx context.Context, method string) error {
	return explained(o.CallWithContext(ctx, method, 0, options{}).Err)
}

// gone waits until the kernel knows that the card is out: some readers accept
// the command and do nothing. It takes one or two seconds at most, and with
// udev much less.
func gone(ctx context.Context, d disk.Device) bool {
	for range 20 {
		now, err := disk.Read("/", d.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.Identity().Differs(now.Identity()) != "" && now.Size == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}
