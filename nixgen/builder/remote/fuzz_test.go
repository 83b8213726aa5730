package remote

import (
	"strings"
	"testing"
)

func TestAPasswordInABuildersNameIsNotShown(t *testing.T) {
	for _, text := range []string{"ssh://me:horse@pi/x", "ssh://me:horse@pi:22", "ssh://me:horse@", "http://me:horse@pi", "ssh://me:horse@pi", "ssh://me:ho@rse@p i", "ssh://me:horse@p\x7fi"} {
		_, err := parse(text)
		if err == nil {
			t.Errorf("%s is taken", text)
			continue
		}
		said := err.Error()
		if h, ok := err.(interface{ Hints() []string }); ok {
			said += strings.Join(h.Hints(), "\n")
		}
		if strings.Contains(said, "horse") || strings.Contains(said, "rse@") {
			t.Errorf("%q: %s", text, said)
		}
	}
}

// What is a machine is one word, and no option of ssh.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"ssh://root@192.168.1.20", "ssh-ng://pi?ssh-key=/root/k", "ssh://a:b@c", "ssh://-oProxyCommand=x", "ssh://[::1]:22", "ssh://a@b;c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(string(m), " \t\r\n;#\x00") || !strings.HasPrefix(string(m), "ssh-ng://") || strings.HasPrefix(m.Host(), "-") || m.Host() == "" {
			t.Fatalf("%q is %q", text, m)
		}
		if again, err := parse(string(m)); err != nil || again != m {
			t.Fatalf("%q is %q, and that %q (%v)", text, m, again, err)
		}
	})
}
