package remote

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/fault"
)

func TestMachinesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]struct{ url, host string }{
		"ssh://root@192.168.1.20":                        {"ssh-ng://root@192.168.1.20", "root@192.168.1.20"},
		"ssh-ng://pi4.local":                             {"ssh-ng://pi4.local", "pi4.local"},
		"ssh://root@pi4/":                                {"ssh-ng://root@pi4", "root@pi4"},
		"ssh://me@builder?ssh-key=/root/.ssh/id":         {"ssh-ng://me@builder?ssh-key=/root/.ssh/id", "me@builder"},
		"ssh://root@[fe80::1]":                           {"ssh-ng://root@[fe80::1]", "root@[fe80::1]"},
		"ssh://ubuntu@ec2-1-2-3-4.compute.amazonaws.com": {"ssh-ng://ubuntu@ec2-1-2-3-4.compute.amazonaws.com", "ubuntu@ec2-1-2-3-4.compute.amazonaws.com"},
	} {
		m, err := parse(text)
		if err != nil || string(m) != want.url || m.Host() != want.host {
			t.Errorf("%s: %q, host %q, %v", text, m, m.Host(), err)
		}
	}
}

func TestWhatNamesNoMachineSaysHowToWriteIt(t *testing.T) {
	for text, hint := range map[string]string{
		"pi4":                         "ssh://USER@HOST",
		"ssh://":                      "ssh://USER@HOST",
		"http://pi4":                  "ssh://USER@HOST",
		"ssh://pi4/some/folder":       "ssh://USER@HOST",
		"ssh://a b":                   "ssh://USER@HOST",
		"ssh://pi4?x=1;ssh://evil":    "ssh://USER@HOST",
		"ssh://pi4?x=1 y":             "ssh://USER@HOST",
		"ssh://-oProxyCommand=x":      "ssh://USER@HOST",
		"ssh://-oProxyCommand=x@pi4":  "ssh://USER@HOST",
		"ssh://pi4\n":                 "ssh://USER@HOST",
		"ssh://root:secret@pi4":       "ssh-copy-id root@pi4",
		"ssh://root@builder.lan:2222": "Port 2222",
	} {
		_, err := parse(text)
		var e *fault.Error
		if !errors.As(err, &e) || !strings.Contains(strings.Join(e.Hints(), "\n"), hint) {
			t.Errorf("%q: %v", text, err)
		} else if strings.Contains(e.Error()+strings.Join(e.Hints(), ""), "secret") {
			t.Errorf("%q: the password is shown: %v", text, err)
		}
	}
}

func TestNixGetsOneListOfMachines(t *testing.T) {
	args := options([]Machine{"ssh-ng://root@a", "ssh-ng://root@b"}, true)
	want := "ssh-ng://root@a aarch64-linux - 4 1 benchmark,big-parallel ; ssh-ng://root@b aarch64-linux - 4 1 benchmark,big-parallel"
	if !slices.Contains(args, want) || !slices.Contains(args, "max-jobs") {
		t.Errorf("%q", args)
	}
	if args := options([]Machine{"ssh-ng://root@a"}, false); slices.Contains(args, "max-jobs") {
		t.Errorf("this computer builds too, but %q", args)
	}
}

func TestWithADaemonRootMustBeLetIn(t *testing.T) {
	c := caller{daemon: true, trusted: true}
	e := c.explain("ssh-ng://me@pi4", "root@pi4: Permission denied (publickey).\nerror: failed to start SSH connection to 'pi4'", nil)
	hints := strings.Join(e.Hints(), "\n")
	if !strings.Contains(e.Error(), "as root") || !strings.Contains(hints, "sudo ssh-copy-id -i /root/.ssh/id_ed25519 me@pi4") {
		t.Errorf("%v\n%s", e, hints)
	}
	c.trusted = false
	if e := c.try(t.Context(), "ssh-ng://me@pi4"); !strings.Contains(e.Error(), "does not trust you") {
		t.Errorf("%v", e)
	}
}

func TestAnUnknownFailureQuotesTheLastLines(t *testing.T) {
	e := caller{trusted: true}.explain("ssh-ng://pi4", "one\n\ntwo\nthree\nfour\nfive\nsix\n", nil)
	if e.Why != "two\nthree\nfour\nfive\nsix" || len(e.Hints()) != 1 {
		t.Errorf("%q, %q", e.Why, e.Hints())
	}
}

func TestItIsSaidWhoBuilds(t *testing.T) {
	b := Builder{Machines: []Machine{"ssh-ng://root@a", "ssh-ng://me@b?ssh-key=/k"}, Alone: true, Why: "you chose it"}
	if got := b.String(); got != "The image is built on root@a and me@b: you chose it." {
		t.Error(got)
	}
	if w := b.Where(); w.Mixed || !slices.Equal(w.Hosts, []string{"root@a", "me@b"}) {
		t.Errorf("%+v", w)
	}
	b.Alone = false
	if got := b.String(); got != "The image is built on root@a and me@b and this computer: you chose it." || !b.Where().Mixed {
		t.Errorf("%s, %+v", got, b.Where())
	}
}
