package udisks

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

func TestWithoutABusTheNextWayFollowsAtOnce(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	began := time.Now()
	if _, err := Connect(t.Context()); err == nil || time.Since(began) > patience/2 {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestABusThatHangsIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	silent, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
	began := time.Now()
	if _, err := Connect(t.Context()); err == nil || time.Since(began) > 3*patience {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	began = time.Now()
	if _, err := Connect(ctx); err == nil || time.Since(began) > patience/2 {
		t.Errorf("a user who said no waits: %v after %v", err, time.Since(began))
	}
}

// Names and texts are those of udisksd 2.9.4.
func TestTheErrorsOfTheServiceMeanWhatFollowsFromThem(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"NotAuthorizedDismissed", "The authentication dialog was dismissed", ErrDismissed},
		{"NotMounted", "Device `/dev/sdb1' is not mounted", errNotMounted},
		{"DeviceBusy", "Error unmounting /dev/sdb1: target is busy", unix.EBUSY},
		{"Failed", "Error opening device /dev/sdb: Device or resource busy", unix.EBUSY},
		{"NotAuthorizedCanObtain", "Not authorized to perform operation", nil},
		{"Failed", "Error opening device /dev/sdb: No medium found", nil},
	} {
		got := explained(dbus.Error{Name: service + ".Error." + c.name, Body: []any{c.text}})
		for _, e := range []error{ErrDismissed, errNotMounted, unix.EBUSY} {
			if errors.Is(got, e) != (e == c.want) {
				t.Errorf("%s, %q: %v", c.name, c.text, got)
			}
		}
	}
}
