package networkmanager

import (
	"fmt"
	"strings"
	"testing"
)

const keyring = "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk-flags=1\n"

// Nobody answers without a polkit agent; with one the user is asked for a
// password, which is right, wrong, or not given at all. Administrator rights
// are offered only where they would help.
func TestPolkitAsksTheUser(t *testing.T) {
	l := newLab(t, map[string]string{
		"everybody": keyFile(1, "everybody", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"),
		"carols":    keyFile(2, "carols", "permissions=user:pwcarol:;\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"),
		"keyring":   keyFile(3, "keyring", keyring),
	})
	l.caller()
	const agent = `pkttyagent --process $$ --notify-fd 4 & echo "agent $!."; `
	password := func(text string) func(*desk) { return func(d *desk) { d.password("Password: ", text) } }
	closed := func(d *desk) {
		d.until("Password: ")
		_, id, _ := strings.Cut(d.screen(), "agent ")
		id, _, _ = strings.Cut(id, ".")
		l.as("root", "kill", id)
	}
	for _, c := range []struct {
		name, user, network, agent string
		answer                     func(*desk)
		asks                       string // in the terminal
		says                       string // piwiz, where the password is not given
		rights                     bool
	}{
		{"no agent", "bob", "everybody", "", nil, "", `NetworkManager does not give the password of "everybody" to your user`, true},
		{"a wrong password", "bob", "everybody", agent, password("wrong"), "Authenticating as: root", `NetworkManager does not give the password of "everybody" to your user`, true},
		{"a window that is closed", "bob", "everybody", agent, closed, "Authenticating as: root", `NetworkManager does not give the password of "everybody" to your user`, true},
		{"the right password", "bob", "everybody", agent, password("rootpw"), "Authenticating as: root", "", false},
		{"by ssh, no agent", "carol", "everybody", "", nil, "", `NetworkManager does not give the password of "everybody" to your user`, true},
		{"by ssh, the right password", "carol", "everybody", agent, password("rootpw"), "Authenticating as: root", "", false},
		{"by ssh, a profile of her own", "carol", "carols", agent, password("carolpw"), "Authenticating as: pwcarol", "", false},
		{"a keyring, no agent", "dave", "keyring", "", nil, "", `the password of "keyring" is in the keyring of a desktop, which did not give it`, false},
		{"a keyring, a wrong password", "dave", "keyring", agent, password("wrong"), "Authenticating as: root", `the password of "keyring" is in the keyring of a desktop, which did not give it`, false},
		{"a keyring, the right password", "dave", "keyring", agent, password("rootpw"), "Authenticating as: root", `the password of "keyring" is in the keyring of a desktop, which did not give it`, false},
	} {
		d := l.desk(append(l.user(c.user), "PIWIZ_NM_ASK=1", "PIWIZ_NM_ONLY="+c.network, "LC_ALL=C", "sh", "-c",
			c.agent+`exec 4>&-; read go <&5; exec /run/caller >&3`)...)
		d.agentIsThere()
		d.goOn()
		if c.answer != nil {
			c.answer(d)
		}
		n := d.heard()[c.network]
		t.Logf("%-30s %s", c.name, n.ends())
		if n.Kept == "" || n.Problem != c.says || n.Rights != c.rights || (n.Passphrase == "correct horse") != (c.says == "") {
			t.Errorf("%s: %+v", c.name, n)
		}
		if !strings.Contains(d.screen(), c.asks) {
			t.Errorf("%s: the terminal shows\n%s", c.name, d.screen())
		}
	}
}

// ends is a line of a table.
func (n toldNetwork) ends() string {
	switch {
	case n.Problem != "" && n.Rights:
		return n.Problem + " (administrator rights are offered)"
	case n.Problem+n.Lacks != "":
		return n.Problem + n.Lacks
	}
	return "given"
}

// A password in a keyring comes when the desktop's agent is there and the
// keyring open, and is asked for otherwise. The agents are nmcli's, which has
// no keyring, and nm-applet with that of GNOME, which saved the password when
// nmcli set it.
func TestAKeyringGivesThePasswordThroughTheDesktop(t *testing.T) {
	l := newLab(t, map[string]string{
		"keyring": keyFile(1, "keyring", keyring),
		"unsaved": keyFile(2, "unsaved", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk-flags=2\n"),
	})
	l.caller()
	l.as("root", "install", "-d", "-o", "62001", "-m", "700", "/run/home")
	const inNone = `the password of "keyring" is in the keyring of a desktop, which did not give it`
	check := func(name, network string, n toldNetwork, says string) {
		t.Helper()
		t.Logf("%-30s %s", name, n.ends())
		if n.Problem+n.Lacks != says || n.Rights || (n.Passphrase == "correct horse") != (says == "") {
			t.Errorf("%s: %+v", name, n)
		}
		if (n.Kept != "") != (network == "keyring") {
			t.Errorf("%s: may be asked for: %q", name, n.Kept)
		}
	}
	check("no agent", "keyring", l.ask("alice").Networks["keyring"], inNone)

	d := l.desk(append(l.user("alice"), "PIWIZ_NM_ASK=1", "LC_ALL=C", "sh", "-c", `nmcli agent secret & read go <&5; exec /run/caller >&3`)...)
	d.until("successfully registered")
	d.goOn()
	check("nmcli's agent", "keyring", d.heard()["keyring"], inNone)

	// A namespace of its own for processes, as the keyring and the window that
	// it opens go into the background; and a /tmp, for the X server.
	d = l.desk(append(append(l.inside("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", `mount -t tmpfs -o mode=1777 none /tmp && mkdir -m 1777 /tmp/.X11-unix && exec "$@"`, "-"), l.user("alice")[len(l.enter):]...),
		"PIWIZ_NM_ASK=1", "LC_ALL=C.UTF-8", "HOME=/run/home", "XDG_RUNTIME_DIR=/run/home", "DISPLAY=:77", "GDK_BACKEND=x11", "NO_AT_BRIDGE=1",
		"dbus-run-session", "--", "sh", "-c", `
printf alicepw | gnome-keyring-daemon --unlock --components=secrets
Xvfb :77 -nolisten tcp &
until [ -S /tmp/.X11-unix/X77 ]; do sleep .1; done
nm-applet &
until nmcli connection modify p-keyring wifi-sec.psk-flags 1 wifi-sec.psk "correct horse" &&
  secret-tool lookup setting-key psk connection-uuid `+fmt.Sprintf(uuid, 1)+` | grep -q horse; do sleep .2; done
echo >&4; read go <&5
/run/caller >&3
secret-tool lock --collection=login
/run/caller >&3 &
until pidof gcr-prompter; do sleep .1; done
kill $(pidof gcr-prompter)
wait $!`)...)
	d.agentIsThere()
	check("root, beside that", "keyring", l.ask("root").Networks["keyring"], inNone)
	d.goOn()
	open := d.heard()
	check("nm-applet, the keyring open", "keyring", open["keyring"], "")
	check("not saved at all", "unsaved", open["unsaved"], "NetworkManager does not keep its password")
	check("nm-applet, the window closed", "keyring", d.heard()["keyring"], inNone)
}
