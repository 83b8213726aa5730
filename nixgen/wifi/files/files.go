// Package files reads the files in which programs of this computer keep Wi-Fi
// networks: as the user may (ReadFile), and those that only root may read (Read),
// which is what root does for a user.
//
// With root's rights nothing but the folders of package sources is read, no link is
// followed, and what is not the user's business (profiles of others, tunnels,
// companies) is skipped.
package files

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/regular"
)

// Folder is a folder with Wi-Fi networks.
type Folder struct {
	Path string
	Is   func(name string) bool // of a file of networks
	// Takes tells whether a file is a Wi-Fi network that the user may have;
	// why, if that is to be said. nil takes all.
	Takes func(data []byte, user string) (ok bool, why string)
}

// NetworkManager has two folders: what is kept, and what netplan writes at each
// start. They are here because its own package speaks D-Bus.
var NetworkManager = []string{"/etc/NetworkManager/system-connections", "/run/NetworkManager/system-connections"}

// Profiles are those folders. In /run NetworkManager reads files of its own ending
// only. Source: nm-settings-keyfile(5).
var Profiles = []Folder{
	{NetworkManager[0], func(name string) bool { return !strings.HasPrefix(name, ".") }, profileOf},
	{NetworkManager[1], func(name string) bool { return filepath.Ext(name) == ".nmconnection" }, profileOf},
}

const (
	maxFiles = 512
	maxTotal = 1 << 20 // bytes of all files
)

// Found are the files by path, and why a file or a folder was skipped.
type Found struct {
	Files   map[string][]byte `json:"files,omitempty"`   // they hold secrets
	Skipped map[string]string `json:"skipped,omitempty"` // path to reason
}

// Wipe zeroes the files.
func (f *Found) Wipe() {
	for _, data := range f.Files {
		clear(data)
	}
	f.Files = nil
}

// Read reads the networks in the folders that the user of this number may have;
// root may have all. The error says that there are none, or why none could be read.
func Read(uid uint32, folders []Folder) (Found, error) {
	name, err := nameOf(uid)
	if err != nil {
		return Found{}, err
	}
	return read(folders, 0, name)
}

// nameOf is the name of a user, "" for root.
func nameOf(uid uint32) (string, error) {
	if uid == 0 {
		return "", nil
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return "", fmt.Errorf("find the name of the user who asks: %w", err)
	}
	return u.Username, nil
}

// read reads the networks in the folders. Folders and files must be the owner's
// own: whoever else could write there could have files read that are none of his
// business.
func read(folders []Folder, owner uint32, user string) (Found, error) {
	files, skipped := map[string][]byte{}, map[string]string{}
	total := 0
	for _, f := range folders {
		fd, names, why := list(f.Path, owner)
		if why != "" {
			skipped[f.Path] = why
		}
		if fd < 0 {
			continue
		}
		for _, name := range names {
			path := filepath.Join(f.Path, name)
			if !utf8.ValidString(name) || !f.Is(name) || len(files)+len(skipped) >= maxFiles {
				continue
			}
			b, why := readOwned(fd, name, owner)
			if ok := true; why == "" && f.Takes != nil {
				if ok, why = f.Takes(b, user); !ok {
					clear(b)
					if why == "" {
						continue
					}
				}
			}
			if total += len(b); why == "" && total > maxTotal {
				why = "there are too many networks to copy them all"
			}
			if why != "" {
				clear(b)
				skipped[path] = why
				continue
			}
			files[path] = b
		}
		_ = unix.Close(fd)
	}
	switch {
	case len(files) > 0:
	case len(skipped) > 0 && len(unread(folders, skipped)) > 0:
		return Found{}, errors.New(strings.Join(unread(folders, skipped), "; ") + "; type the name and password of your Wi-Fi")
	case len(skipped) == 0:
		return Found{}, errors.New("this computer keeps no Wi-Fi networks where piwiz looks; type the name and password of your Wi-Fi")
	}
	return Found{files, skipped}, nil
}

// unread names the folders that were not read at all.
func unread(folders []Folder, skipped map[string]string) (out []string) {
	for _, f := range folders {
		if why, ok := skipped[f.Path]; ok {
			out = append(out, f.Path+" is not read: "+why)
		}
	}
	return out
}

// list opens a folder and lists it. fd is -1 without one; why is "" when
// it does not exist.
func list(dir string, owner uint32) (fd int, names []string, why string) {
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
		return -1, nil, "users other than the administrator can change it"
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

// readOwned reads one file, or says why not. O_NONBLOCK: a pipe must not hold
// up the reader. A second name of a file could be the name of a secret.
func readOwned(dir int, name string, owner uint32) (data []byte, why string) {
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
	b, err := regular.Content(f, Max)
	switch large, is := errors.AsType[*regular.TooLarge](err); {
	case is:
		return nil, large.Error()
	case err != nil:
		return nil, "it cannot be read: " + err.Error()
	}
	return b, ""
}
