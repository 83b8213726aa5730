// Package udisks has the desktop's disk service do what an ordinary user may
// not: open a card, close its file systems, eject it. The service asks the
// user by a window of the desktop where the rules of the computer (polkit) say
// so, and nothing of piwiz runs as root. Interface: UDisks2 reference, D-Bus
// names org.freedesktop.UDisks2.*
package udisks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"piwiz/flash/disk"
)

const (
	service = "org.freedesktop.UDisks2"
	// patience is how long the bus may take to answer: it does nothing but
	// pass messages on.
	patience = time.Second
	// startup is how long the service itself may take: the bus may have to
	// start it, and then it probes all disks.
	startup = 5 * time.Second
)

// ErrDismissed is the user's own no to the question for the password.
var ErrDismissed = errors.New("the password prompt was cancelled")

// Service is a connection to the disk service.
type Service struct{ bus *dbus.Conn }

// Connect finds the service; where there is none it fails at once, and after
// a second where the bus hangs. When ctx ends, so does the connection, and
// with it every question that is still open.
func Connect(ctx context.Context) (*Service, error) {
	ctx, stop := context.WithCancel(ctx)
	late := time.AfterFunc(patience, stop)
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err == nil && !late.Stop() {
		err = context.DeadlineExceeded
		_ = bus.Close() // it closes itself as well
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("reach the disk service: %w", err)
	}
	return &Service{bus}, nil
}

// Close ends the connection; what was opened stays open.
func (s *Service) Close() { _ = s.bus.Close() }

// object finds what the service calls a disk or partition, "" when it does not
// know it.
func (s *Service) object(ctx context.Context, node string) (dbus.BusObject, error) {
	ctx, stop := context.WithTimeout(ctx, startup)
	defer stop()
	var paths []dbus.ObjectPath
	manager := s.bus.Object(service, "/org/freedesktop/UDisks2/Manager")
	err := manager.CallWithContext(ctx, service+".Manager.ResolveDevice", 0,
		options{"path": dbus.MakeVariant(node)}, options{}).Store(&paths)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", node, explained(err))
	}
	if len(paths) != 1 {
		return nil, fmt.Errorf("the disk service knows %d disks by the name %s", len(paths), node)
	}
	return s.bus.Object(service, paths[0]), nil
}

type options map[string]dbus.Variant

// Open opens a card for reading and writing, for itself alone and past the
// page cache. The user may be asked, which takes as long as it takes: ctx ends
// it. unix.EBUSY means that somebody else has it, ErrDismissed that the user
// said no. Whether the right card was opened is the caller's to check.
func (s *Service) Open(ctx context.Context, d disk.Device) (*os.File, error) {
	block, err := s.object(ctx, d.Path)
	if err != nil {
		return nil, err
	}
	var fd dbus.UnixFD
	err = block.CallWithContext(ctx, service+".Block.OpenDevice", dbus.FlagAllowInteractiveAuthorization, "rw",
		options{"flags": dbus.MakeVariant(int32(unix.O_EXCL | unix.O_DIRECT | unix.O_CLOEXEC))}).Store(&fd)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", d.Path, explained(err))
	}
	unix.CloseOnExec(int(fd))
	return os.NewFile(uintptr(fd), d.Path), nil
}

// Unmount closes the file systems of a card, the last mounted first. The user
// may be asked about those that another user opened. unix.EBUSY means that
// files are in use.
func (s *Service) Unmount(ctx context.Context, d disk.Device) error {
	type mount struct{ point, node string }
	var mounts []mount
	add := func(points []string, node string) {
		for _, p := range points {
			mounts = append(mounts, mount{p, node})
		}
	}
	add(d.Mounts, d.Path)
	for _, p := range d.Partitions {
		add(p.Mounts, "/dev/"+p.Name)
	}
	slices.SortStableFunc(mounts, func(a, b mount) int { return cmp.Compare(len(b.point), len(a.point)) })
	for _, m := range mounts {
		block, err := s.object(ctx, m.node)
		if err != nil {
			return err
		}
		err = explained(block.CallWithContext(ctx, service+".Filesystem.Unmount", dbus.FlagAllowInteractiveAuthorization, options{}).Err)
		if err != nil && !errors.Is(err, errNotMounted) {
			return fmt.Errorf("close the files on %s: %w", m.node, err)
		}
	}
	return nil
}

// errNotMounted: somebody was faster.
var errNotMounted = errors.New("it is not mounted")

// explained gives the errors that something follows from their own values.
// What failed in a system call is told in words only, in those of the language
// the service runs in; the English ones are understood.
func explained(err error) error {
	var e dbus.Error
	if !errors.As(err, &e) {
		return err
	}
	text := strings.ToLower(e.Error())
	switch {
	case e.Name == service+".Error.NotAuthorizedDismissed":
		return ErrDismissed
	case e.Name == service+".Error.NotMounted":
		return errNotMounted
	case e.Name == service+".Error.DeviceBusy", strings.Contains(text, unix.EBUSY.Error()):
		return fmt.Errorf("%w (%w)", unix.EBUSY, err)
	}
	return fmt.Errorf("%s: %w", e.Name, err)
}
