package networkmanager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/wifi"
)

const (
	service  = "org.freedesktop.NetworkManager"
	root     = "/org/freedesktop/NetworkManager"
	security = "802-11-wireless-security"

	typeWifi = uint32(2)       // NM_DEVICE_TYPE_WIFI
	airPSK   = uint32(1) << 8  // NM_802_11_AP_SEC_KEY_MGMT_PSK
	airSAE   = uint32(1) << 10 // NM_802_11_AP_SEC_KEY_MGMT_SAE
)

// Source is NetworkManager as a source of networks: over D-Bus where it runs,
// else its key files.
type Source struct{}

// Read lists the profiles; see wifi.Source. Networks whose secret NetworkManager
// may give to this user have it Kept, for Secret.
func (Source) Read(ctx context.Context) (wifi.Found, error) {
	found, err := overBus(ctx)
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return found, err
	}
	slog.Info("NetworkManager does not answer over D-Bus", "error", err)
	return readDirs(Dirs, "")
}

type (
	settings = map[string]map[string]dbus.Variant
	objects  = map[dbus.ObjectPath]settings
)

func overBus(ctx context.Context) (wifi.Found, error) {
	found := wifi.Found{Name: Name, Where: "over D-Bus", Air: map[string]wifi.Evidence{}}
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return found, fmt.Errorf("ask NetworkManager: %w", err)
	}
	defer bus.Close()
	var all objects
	err = bus.Object(service, "/org/freedesktop").CallWithContext(ctx, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", dbus.FlagNoAutoStart).Store(&all)
	if err != nil {
		return found, fmt.Errorf("ask NetworkManager: %w", err)
	}
	var may map[string]string
	// Without an answer it is found out when a secret is asked for.
	_ = bus.Object(service, root).CallWithContext(ctx, service+".GetPermissions", dbus.FlagNoAutoStart).Store(&may)
	inUse := map[dbus.ObjectPath]bool{}
	for _, o := range all {
		heard(o, found.Air)
		if d := o[service+".Device"]; d["DeviceType"].Value() == typeWifi {
			active, _ := d["ActiveConnection"].Value().(dbus.ObjectPath)
			used, _ := all[active][service+".Connection.Active"]["Connection"].Value().(dbus.ObjectPath)
			inUse[used] = true
		}
	}
	locked := false
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if _, is := all[path][service+".Settings.Connection"]; !is {
			continue
		}
		var s settings
		err := bus.Object(service, path).CallWithContext(ctx, service+".Settings.Connection.GetSettings", dbus.FlagNoAutoStart).Store(&s)
		if _, refused := errors.AsType[dbus.Error](err); refused {
			continue // another user's, or removed just now
		}
		if err != nil {
			return found, fmt.Errorf("ask NetworkManager: %w", err)
		}
		p, ok := fromBus(s)
		if !ok {
			continue
		}
		p.connected = inUse[path]
		locked = add(&found, p, may) || locked
	}
	if locked {
		return found, fmt.Errorf("ask NetworkManager for passwords: %w", fs.ErrPermission)
	}
	return found, nil
}

// add puts a profile into what was found. locked tells that NetworkManager has
// its secret and does not give it to this user.
func add(found *wifi.Found, p profile, may map[string]string) (locked bool) {
	n, err := p.network()
	switch {
	case errors.Is(err, errNotForUs):
		return false
	case err != nil:
		found.Problems = append(found.Problems, wifi.Problem{File: p.id, Err: err})
		return false
	case n.Security == wifi.Open:
	case p.flags&notSaved != 0:
		n.Lacks = p.lacks()
	case may[service+".settings.modify."+p.owner()] != "no":
		n.Kept = p.uuid
	case p.flags&agentOwned != 0:
		n.Lacks = p.lacks() // a keyring is not opened by administrator rights
	default:
		n.Lacks, locked = "NetworkManager does not give its password to your user", true
	}
	found.Networks = append(found.Networks, n)
	return locked
}

// owner says which right it takes to see the secret: "own" for a profile of
// exactly one user, who is this one when it can be seen at all.
func (p profile) owner() string {
	if len(p.permissions) == 1 {
		return "own"
	}
	return "system"
}

// heard adds what an access point says about itself.
func heard(o settings, air map[string]wifi.Evidence) {
	ap, ok := o[service+".AccessPoint"]
	if !ok {
		return
	}
	name, _ := ap["Ssid"].Value().([]byte)
	rsn, _ := ap["RsnFlags"].Value().(uint32)
	wpa, _ := ap["WpaFlags"].Value().(uint32)
	if (rsn|wpa)&airPSK != 0 {
		air[string(name)] |= wifi.AirPSK
	}
	if rsn&airSAE != 0 {
		air[string(name)] |= wifi.AirSAE
	}
}

func fromBus(s settings) (p profile, wifiProfile bool) {
	con, radio := s["connection"], s["802-11-wireless"]
	if con["type"].Value() != "802-11-wireless" {
		return p, false
	}
	sec, protected := s[security]
	p.protected = protected
	p.id, _ = con["id"].Value().(string)
	p.uuid, _ = con["uuid"].Value().(string)
	p.permissions, _ = con["permissions"].Value().([]string)
	if t, _ := con["timestamp"].Value().(uint64); t > 0 {
		p.used = time.Unix(int64(t), 0)
	}
	p.ssid, _ = radio["ssid"].Value().([]byte)
	p.mode, _ = radio["mode"].Value().(string)
	p.hidden, _ = radio["hidden"].Value().(bool)
	p.keyMgmt, _ = sec["key-mgmt"].Value().(string)
	p.flags, _ = sec["psk-flags"].Value().(uint32)
	return p, true
}

// Secret asks NetworkManager for the secret of a network that Read found with
// it Kept. The desktop may show a window and wait for an answer, so ctx should
// last as long as a person needs. fs.ErrPermission says that administrator
// rights would help, which they do not for what is in a keyring.
func Secret(ctx context.Context, n wifi.Network) (wifi.Network, error) {
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return n, lost(err)
	}
	defer bus.Close()
	var path dbus.ObjectPath
	err = bus.Object(service, root+"/Settings").CallWithContext(ctx, service+".Settings.GetConnectionByUuid", dbus.FlagNoAutoStart, n.Kept).Store(&path)
	if err != nil {
		return n, lost(err)
	}
	var s, secrets settings
	o := bus.Object(service, path)
	if err := o.CallWithContext(ctx, service+".Settings.Connection.GetSettings", dbus.FlagNoAutoStart).Store(&s); err != nil {
		return n, lost(err)
	}
	p, _ := fromBus(s)
	flags := dbus.FlagNoAutoStart | dbus.FlagAllowInteractiveAuthorization
	err = o.CallWithContext(ctx, service+".Settings.Connection.GetSecrets", flags, security).Store(&secrets)
	psk, _ := secrets[security]["psk"].Value().(string)
	e, _ := errors.AsType[dbus.Error](err)
	denied := strings.HasSuffix(e.Name, ".PermissionDenied")
	none := err == nil || strings.HasSuffix(e.Name, ".NoSecrets")
	switch {
	case psk != "":
		return n.With(psk)
	case (denied || none) && p.flags&agentOwned != 0:
		return n, noSecret(err, fmt.Sprintf("the password of %q is in the keyring of a desktop, which did not give it", n.SSID),
			"Unlock the keyring at the desktop and choose the network again, or type the network in.")
	case denied:
		return n, noSecret(fs.ErrPermission, fmt.Sprintf("NetworkManager does not give the password of %q to your user", n.SSID),
			"Read it with administrator rights, or type the network in.")
	case none:
		return n, noSecret(err, fmt.Sprintf("NetworkManager has no password for %q", n.SSID), "Type the network in.")
	}
	return n, lost(err)
}

// lost is NetworkManager gone, changed, or silent since the list was read.
func lost(err error) error {
	return noSecret(err, "NetworkManager did not answer when asked for the password", "Go back and choose the network again, or type it in.")
}

// noSecret is why there is no password, and what to do.
func noSecret(err error, headline, todo string) error {
	return &fault.Error{Headline: headline, Todo: fault.Todo{todo}, Err: err}
}
