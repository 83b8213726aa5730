package files

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// iwdIn is a folder as that of iwd.
func iwdIn(dir string) []Folder {
	return []Folder{{Path: dir, Is: func(name string) bool {
		return slices.Contains([]string{".psk", ".open", ".8021x"}, filepath.Ext(name))
	}}}
}

func TestOnlyTheAdministratorsOwnWifiFilesAreRead(t *testing.T) {
	dir, uid := filepath.Join(t.TempDir(), "iwd"), uint32(os.Getuid())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string, size int) error { return os.WriteFile(in(name), make([]byte, size), 0o600) }
	outside := filepath.Join(filepath.Dir(dir), "shadow")
	if err := errors.Join(
		put("Home.psk", 100), put("Cafe.open", 0), put("Work.8021x", Max), put("known_network.freq", 9), put(".psk.bak", 9), put("odd\xff.psk", 9),
		put("big.psk", Max+1), os.WriteFile(outside, []byte("root:x"), 0o600), os.Symlink(outside, in("link.psk")), os.Symlink("nowhere", in("dead.psk")),
		os.Link(outside, in("second.psk")), os.Mkdir(in("folder.psk"), 0o700), unix.Mkfifo(in("pipe.psk"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	found, err := read(iwdIn(dir), uid, "")
	if err != nil {
		t.Fatal(err)
	}
	files, left := found.Files, found.Skipped
	if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != in("Cafe.open")+" "+in("Home.psk")+" "+in("Work.8021x") || len(files[in("Work.8021x")]) != Max {
		t.Errorf("read: %s", got)
	}
	for name, word := range map[string]string{"link.psk": "link", "dead.psk": "link", "second.psk": "own file", "folder.psk": "not a file", "pipe.psk": "not a file", "big.psk": "larger than"} {
		if !strings.Contains(left[in(name)], word) {
			t.Errorf("%s: %q", name, left[in(name)])
		}
	}
	if len(left) != 6 {
		t.Errorf("skipped: %v", left)
	}
}

func TestAWifiFolderOfSomebodyElseIsNotRead(t *testing.T) {
	uid := uint32(os.Getuid())
	open, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	file := filepath.Join(filepath.Dir(link), "file")
	if err := errors.Join(os.Chmod(open, 0o777), os.Symlink(t.TempDir(), link), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir   string
		owner uint32
	}{
		"others may write": {open, uid}, "another owner": {t.TempDir(), uid + 1}, "a link": {link, uid}, "a file": {file, uid}, "nothing": {filepath.Join(open, "none"), uid},
	} {
		if found, err := read(iwdIn(c.dir), c.owner, ""); err == nil || found.Files != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

func TestManyWifiFilesStayWithinTheReply(t *testing.T) {
	dir, uid := t.TempDir(), uint32(os.Getuid())
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", i+1)+".psk"), make([]byte, Max), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := read(iwdIn(dir), uid, "")
	if n := len(found.Files); err != nil || n != maxTotal/Max || len(found.Skipped) != 20-n {
		t.Errorf("%d read, %d skipped, %v", n, len(found.Skipped), err)
	}
}

func TestTheFilesAreZeroedWhenTheyHaveBeenUsed(t *testing.T) {
	file := []byte("[Security]\nPassphrase=sesame\n")
	found := Found{Files: map[string][]byte{"Home.psk": file}}
	found.Wipe()
	if slices.ContainsFunc(file, func(b byte) bool { return b != 0 }) || len(found.Files) != 0 {
		t.Errorf("%q, %v", file, found.Files)
	}
}

func TestOfNetworkManagerOnlyWifiProfilesOfTheUserAreRead(t *testing.T) {
	dir, uid := t.TempDir(), uint32(os.Getuid())
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const con, radio = "[connection]\nid=x\n", "[wifi]\nssid=a\n"
	want := map[string]string{}
	for name, c := range map[string]struct{ text, user string }{
		"home.nmconnection":      {con + "type=wifi\n" + radio, "alice bob"},
		"old":                    {con + "type=802-11-wireless\n[802-11-wireless]\nssid=a\n", "alice bob"},
		"no-type":                {con + radio, "alice bob"},
		"alices":                 {con + "type=wifi\npermissions=user:alice:;\n" + radio, "alice"},
		"both":                   {con + "type=wifi\npermissions=user:bob;user:alice:;\n" + radio, "alice bob"},
		"none":                   {con + "type=wifi\npermissions=\n" + radio, "alice bob"},
		"last-counts":            {con + "type=wifi\npermissions=user:alice:;\npermissions=user:bob:;\n" + radio, "bob"},
		"second-group":           {con + "type=wifi\n" + radio + "[connection]\npermissions=user:bob:;\n", "bob"},
		"blanks":                 {con + "type=wifi\n  permissions = user:bob:;\r\n" + radio, "bob"},
		"longer-name":            {con + "type=wifi\npermissions=user:alice2:;\n" + radio, ""},
		"escaped":                {con + "type=wifi\npermissions=user:al\\\\ice:;\n" + radio, ""},
		"comment":                {con + "type=wifi\n#permissions=user:bob:;\n" + radio, "alice bob"},
		"tunnel":                 {con + "type=wireguard\n[wireguard]\nprivate-key=secret\n", ""},
		"tunnel-called-wifi":     {con + "type=vpn\n" + radio, ""},
		"company":                {con + "type=wifi\n" + radio + "[802-1x]\npassword=secret\n", ""},
		"not-a-profile":          {"root:x:0:0\n", ""},
		".hidden":                {con + "type=wifi\n" + radio, ""},
		"companys.of.bob":        {con + "type=wifi\npermissions=user:bob:;\n" + radio + "[802-1x]\npassword=secret\n", ""},
		"netplan-a.nmconnection": {con + "type=wifi\n" + radio, "alice bob"},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		want[filepath.Join(dir, name)] = c.user
	}
	for _, user := range []string{"alice", "bob", "carol", ""} {
		found, err := read([]Folder{{dir, Profiles[0].Is, profileOf}}, uid, user)
		if err != nil {
			t.Fatal(err)
		}
		files, left := found.Files, found.Skipped
		for path, users := range want {
			_, got := files[path]
			may := slices.Contains(strings.Fields(users), user)
			switch name := filepath.Base(path); {
			case user == "carol":
				may = users == "alice bob" && name != "both"
			case user == "":
				may = users != "" || name == "longer-name" || name == "escaped"
			}
			if got != may {
				t.Errorf("%q gets %s: %v", user, path, got)
			}
		}
		if s := left[filepath.Join(dir, "company")]; !strings.Contains(s, "802.1X") {
			t.Errorf("company: %q", s)
		}
	}
}

func TestWithoutAnyFolderTheNetworkIsTypedIn(t *testing.T) {
	_, err := read(iwdIn(filepath.Join(t.TempDir(), "none")), uint32(os.Getuid()), "")
	if err == nil || !strings.Contains(err.Error(), "type the name") {
		t.Error(err)
	}
}
