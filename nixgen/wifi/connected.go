package wifi

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
	nl "github.com/mdlayher/wifi"
)

// Connected returns the SSID this computer is on now, or "" when it is on
// none or cannot tell. It asks iwd over D-Bus, which only some users may, and
// then the kernel over nl80211, which everybody may. An error is given only
// when neither could be asked.
func Connected(ctx context.Context) (string, error) {
	ssid, busErr := fromIwd(ctx)
	if busErr == nil && ssid != "" {
		return ssid, nil
	}
	ssid, err := fromKernel(ctx)
	if err != nil && busErr != nil {
		return "", fmt.Errorf("ask which Wi-Fi network this computer is on: %w", errors.Join(busErr, err))
	}
	return ssid, nil
}

// fromIwd looks for the network object whose property Connected is true
// (iwd's doc/network-api.txt).
func fromIwd(ctx context.Context) (string, error) {
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return "", err
	}
	defer bus.Close()
	var objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	call := bus.Object("net.connman.iwd", "/").CallWithContext(ctx, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", dbus.FlagNoAutoStart)
	if err := call.Store(&objects); err != nil {
		return "", err
	}
	for _, interfaces := range objects {
		network := interfaces["net.connman.iwd.Network"]
		if on, ok := network["Connected"].Value().(bool); ok && on {
			name, _ := network["Name"].Value().(string)
			return name, nil
		}
	}
	return "", nil
}

func fromKernel(ctx context.Context) (string, error) {
	c, err := nl.New()
	if err != nil {
		return "", err
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(d) // without it the answer comes a little later at worst
	}
	interfaces, err := c.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range interfaces {
		if bss, err := c.BSS(i); err == nil && bss.SSID != "" {
			return bss.SSID, nil
		}
	}
	return "", nil
}
