package offer

import (
	"strings"
	"testing"
)

func TestTheConfigurationOfSSHIsReadAsSSHMeansIt(t *testing.T) {
	t.Setenv("PIWIZ_A", "/run/agent")
	c := Read(said("user alice\nhostname bach.local\nport 22\nidentitiesonly yes\nrequiredrsasize 2048\npubkeyacceptedalgorithms rsa-sha2-512,ssh-ed25519\n"+
		"identityfile ~/.ssh/id_rsa\nidentityfile %d/k/%h-%r-%p\nidentityfile ${PIWIZ_A}/x\nidentityfile ${PIWIZ_NONE}/x\nidentityagent $PIWIZ_A\n"), "alice", "bach.local", "/home/a b", "/s")
	if got := strings.Join(c.Files, "|"); got != "/home/a b/.ssh/id_rsa|/home/a b/k/bach.local-alice-22|/run/agent/x" {
		t.Error(got)
	}
	if !c.Only || !c.Set || c.Agent != "/run/agent" || c.MinRSA != 2048 {
		t.Errorf("%+v", c)
	}
	if !c.Accepts("ssh-rsa", 2048) || c.Accepts("ssh-rsa", 2047) || c.Accepts("ecdsa-sha2-nistp256", 0) {
		t.Error("kinds of keys")
	}
	if c := Read(said("identityfile none\nidentityagent none\n"), "a", "b", "/h", "/s"); len(c.Files) > 0 || c.Agent != "" {
		t.Errorf("%+v", c)
	}
}

// said takes what ssh -G printed as the engine hands it in.
func said(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		all[word] = append(all[word], value)
	}
	return all
}
