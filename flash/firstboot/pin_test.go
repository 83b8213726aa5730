package firstboot

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/net/dns/dnsmessage"
)

const hostKeyLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM root@bach"

func TestOnlyTheLinesOfTheNameAreReplaced(t *testing.T) {
	hashed := knownhosts.HashHostname("bach.local")
	other := knownhosts.HashHostname("other.local")
	old := "# mine\r\n" +
		"bach.local ssh-rsa AAAAold\n" +
		"nas,Bach.LOCAL,10.0.0.5 ssh-rsa AAAAnas x\n" +
		hashed + " ssh-rsa AAAAhashed\n" +
		other + " ssh-rsa AAAAother\n" +
		"@revoked bach.local ssh-rsa AAAArevoked\n" +
		"this line is broken: |1|||\n\x00\xff\n" +
		"xbach.local ssh-rsa AAAAx"
	want := "# mine\r\n" +
		"nas,10.0.0.5 ssh-rsa AAAAnas x\n" +
		other + " ssh-rsa AAAAother\n" +
		"@revoked bach.local ssh-rsa AAAArevoked\n" +
		"this line is broken: |1|||\n\x00\xff\n" +
		"xbach.local ssh-rsa AAAAx\n" +
		"bach.local " + strings.TrimSuffix(hostKeyLine, " root@bach") + "\n"
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	backup, err := Pin(file, []string{"bach.local"}, hostKeyLine)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	kept, _ := os.ReadFile(backup)
	if string(got) != want || string(kept) != old {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if st, _ := os.Stat(file); st.Mode().Perm() != 0o644 {
		t.Error("the mode was changed")
	}
	if backup, err = Pin(file, []string{"bach.local"}, hostKeyLine); err != nil || backup != "" {
		t.Errorf("the second time something was changed: %q %v", backup, err)
	}
}

func TestWithoutAFileOneIsMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".ssh", "known_hosts")
	if backup, err := Pin(file, []string{"bach.local", "bach-2.local"}, hostKeyLine); err != nil || backup != "" {
		t.Fatal(backup, err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Error(st, err)
	}
}

func answer(t testing.TB, name string, ttl uint32, addr netip.Addr) []byte {
	t.Helper()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	if err := b.StartAnswers(); err != nil {
		t.Fatal(err)
	}
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}
	if err := b.AResource(h, dnsmessage.AResource{A: addr.As4()}); err != nil {
		t.Fatal(err)
	}
	msg, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestOnlyAnswersForOurNamesCount(t *testing.T) {
	a := netip.MustParseAddr("10.0.0.7")
	names := []string{"bach.local."}
	if got := parse(answer(t, "BACH.local.", 120, a), names); len(got["bach.local."]) != 1 || got["bach.local."][0] != a {
		t.Error(got)
	}
	for what, msg := range map[string][]byte{
		"another name": answer(t, "bachus.local.", 120, a), "a goodbye": answer(t, "bach.local.", 0, a), "a question": question(names), "rubbish": []byte("rubbish"),
	} {
		if got := parse(msg, names); len(got) != 0 {
			t.Errorf("%s counted: %v", what, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer(f, "bach.local.", 120, netip.MustParseAddr("10.0.0.7")))
	f.Fuzz(func(t *testing.T, msg []byte) {
		for name := range parse(msg, []string{"bach.local."}) {
			if name != "bach.local." {
				t.Error(name)
			}
		}
	})
}

func FuzzPinned(f *testing.F) {
	f.Add([]byte("a,bach.local ssh-rsa AAAA\n|1|x|y ssh-rsa A\n"))
	f.Fuzz(func(t *testing.T, old []byte) {
		line := "bach.local ssh-ed25519 AAAA\n"
		now := pinned(old, []string{"bach.local"}, line)
		if !bytes.Contains(now, []byte(line)) || !bytes.Equal(pinned(now, []string{"bach.local"}, line), now) {
			t.Errorf("%q became %q", old, now)
		}
	})
}
