package grant

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// wifiFolder is a folder with Wi-Fi networks. Nothing but what is named by
// these folders is ever read with administrator rights.
type wifiFolder struct {
	path string
	is   func(name string) bool
	// takes tells whether a file is a Wi-Fi network that the user may have;
	// why, if that is to be said. nil takes all.
	takes func(data []byte, user string) (ok bool, why string)
}

// iwd.network(5), nm-settings-keyfile(5), wpa_supplicant.conf(5). In /run
// NetworkManager reads files of its own ending only.
var wifiFolders = []wifiFolder{
	{"/var/lib/iwd", ends(".psk", ".open", ".8021x"), nil},
	{"/etc/NetworkManager/system-connections", func(name string) bool { return !strings.HasPrefix(name, ".") }, profileOf},
	{"/run/NetworkManager/system-connections", ends(".nmconnection"), profileOf},
	{"/etc/wpa_supplicant", ends(".conf"), nil},
}

func ends(with ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(with, filepath.Ext(name)) }
}

const (
	maxFile  = 64 << 10 // bytes; most are below 1 KiB, certificates may be inside
	maxFiles = 512
	maxTotal = 1 << 20 // bytes of all files
)

// wifiFiles reads the networks in the folders, by path, and says which files
// and folders it left out and why. user is who gets them, "" for root. Folders
// and files must be the owner's own: whoever else could write there could have
// files read that are none of his business.
func wifiFiles(folders []wifiFolder, owner uint32, user string) (files map[string][]byte, leftOut map[string]string, err error) {
	files, leftOut = map[string][]byte{}, map[string]string{}
	total := 0
	for _, f := range folders {
		fd, names, why := wifiNames(f.path, owner)
		if why != "" {
			leftOut[f.path] = why
		}
		if fd < 0 {
			continue
		}
		for _, name := range names {
			path := filepath.Join(f.path, name)
			if !utf8.ValidString(name) || !f.is(name) || len(files)+len(leftOut) >= maxFiles {
				continue
			}
			b, why := wifiFile(fd, name, owner)
			if ok := true; why == "" && f.takes != nil {
				if ok, why = f.takes(b, user); !ok {
					clear(b)
					if why == "" {
						continue
					}
				}
			}
			if total += len(b); why == "" && total > maxTotal {
				why = "there are too many networks to take them all"
			}
			if why != "" {
				leftOut[path] = why
				continue
			}
			files[path] = b
		}
		_ = unix.Close(fd)
	}
	switch {
	case len(files) > 0:
	case len(leftOut) > 0 && len(wifiRefused(folders, leftOut)) > 0:
		return nil, nil, errors.New(strings.Join(wifiRefused(folders, leftOut), "; ") + "; type the name and password of your Wi-Fi")
	case len(leftOut) == 0:
		return nil, nil, errors.New("this computer keeps no Wi-Fi networks where piwiz looks; type the name and password of your Wi-Fi")
	}
	return files, leftOut, nil
}

// wifiRefused names the folders that were not read at all.
func wifiRefused(folders []wifiFolder, leftOut map[string]string) (out []string) {
	for _, f := range folders {
		if why, ok := leftOut[f.path]; ok {
			out = append(out, f.path+" is not read: "+why)
		}
	}
	return out
}

// wifiNames opens a folder and lists it. fd is -1 without one; why is "" when
// it does not exist.
func wifiNames(dir string, owner uint32) (fd int, names []string, why string) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return -1, nil, ""
	}
	if err != nil {
		return -1, nil, "it cannot be opened: " + err.Error()
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Uid != owner || st.Mode&0o022 != 0 {
		_ = unix.Close(fd)
		return -1, nil, "it can be changed by others than the administrator"
	}
	again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		f := os.NewFile(uintptr(again), dir)
		names, err = f.Readdirnames(-1)
		_ = f.Close() // it was only read
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, nil, "it cannot be read: " + err.Error()
	}
	slices.Sort(names)
	return fd, names, ""
}

// profileOf tells whether a key file of NetworkManager is a Wi-Fi network that
// the user may have. The folder holds other secrets too, such as those of
// virtual private networks, and profiles of other users; those are nobody's
// business. So are the passwords of companies, which a Pi cannot use.
func profileOf(data []byte, user string) (ok bool, why string) {
	group, kind, permissions, wifi, company := "", "", "", false, false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			group, _, _ = strings.Cut(line[1:], "]")
			wifi = wifi || group == "wifi" || group == "802-11-wireless"
			company = company || group == "802-1x"
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if group == "connection" {
			switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
			case "type":
				kind = value
			case "permissions":
				permissions = value
			}
		}
	}
	switch {
	case !wifi || kind != "" && kind != "wifi" && kind != "802-11-wireless":
		return false, ""
	case user != "" && permissions != "" && !slices.ContainsFunc(strings.Split(permissions, ";"), func(who string) bool {
		return strings.TrimSuffix(strings.TrimSpace(who), ":") == "user:"+user
	}):
		return false, ""
	case company:
		return false, "it is a company or university network (802.1X), which cannot be copied to a Pi"
	}
	return true, ""
}

// wifiFile reads one file, or says why not. O_NONBLOCK: a pipe must not hold
// up the reader. A second name of a file could be the name of a secret.
func wifiFile(dir int, name string, owner uint32) (data []byte, why string) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, "it is a link to another file"
	}
	if err != nil {
		return nil, "it cannot be opened: " + err.Error()
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	var st unix.Stat_t
	switch err := unix.Fstat(fd, &st); {
	case err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, "it is not a file"
	case st.Uid != owner || st.Nlink != 1:
		return nil, "it is not the administrator's own file"
	}
	b := make([]byte, maxFile+1) // one that grows leaves copies
	n, err := io.ReadFull(f, b)
	switch {
	case n > maxFile:
		return nil, "it is too large for a Wi-Fi network"
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, "it cannot be read: " + err.Error()
	}
	return b[:n], ""
}
