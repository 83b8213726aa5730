package udisks

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"

	"piwiz/flash/crash"
	"piwiz/flash/disk"
)

// Card is a written card, still open.
type Card interface {
	// Eject tells the reader to give it out.
	Eject() error
	Close() error
}

// Release closes a written card, and has it ejected where there is a desktop
// whose file manager could open its files again, or its USB disk switched off.
// It asks nobody. True means that the card is out of reach of this computer
// until it is plugged in again: so it is safe to remove.
//
// A slot is ejected while the card is still held, lest a file manager opens
// the new partitions first; the service itself could not do it then. A reader
// is never switched off for its card: it would be gone until somebody plugs it
// in again, with its other slots.
func Release(ctx context.Context, card Card, d disk.Device) (safe bool) {
	ctx, stop := context.WithTimeout(ctx, 2*startup)
	defer stop()
	s, block, drive, err := find(ctx, d)
	if err != nil {
		_ = card.Close() // what matters was synced and read back before
		return false
	}
	defer s.Close()
	failed := errors.New("this drive can be neither ejected nor switched off")
	ejectable := drive.flag(ctx, "Ejectable")
	if ejectable {
		failed = soon(ctx, card.Eject)
	}
	_ = card.Close() // as above
	if !ejectable && drive.flag(ctx, "CanPowerOff") && !d.Removable {
		failed = drive.call(ctx, service+".Drive.PowerOff")
	}
	if failed == nil && gone(ctx, d) {
		return true
	}
	slog.Info("the card is still in", "error", failed)
	_ = block.call(ctx, service+".Block.Rescan") // udev does it too, where it runs
	return false
}

// soon does not wait for a card that hangs.
func soon(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	crash.Go(do, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// find finds a disk and the drive it is in.
func find(ctx context.Context, d disk.Device) (s *Service, block, drive object, err error) {
	if s, err = Connect(ctx); err != nil {
		return nil, object{}, object{}, err
	}
	if block, drive, err = s.drive(ctx, d); err != nil {
		s.Close()
		return nil, object{}, object{}, err
	}
	return s, block, drive, nil
}

type object struct{ dbus.BusObject }

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
