package shell

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

var hostile = []string{
	"a", "-rf", "--", "it's", "''", "two words", "$(reboot)", "`id`", "$HOME", "", "a\nb", "*", "?", "[a]", "{a,b}", "~", "~root", "ä", "\\", `"`, "!", "#", "a;b", "a&b", "=ls", "a=b", "%s", "^", "\t",
}

// Shells that people have; sh is one of them everywhere.
func TestAnyTextIsOneWord(t *testing.T) {
	tried := 0
	for _, sh := range []string{"sh", "bash", "zsh", "busybox"} {
		if _, err := exec.LookPath(sh); err != nil {
			continue
		}
		tried++
		args := []string{"-c", `printf '%s\0' ` + Line(hostile...)}
		if sh == "busybox" {
			args = append([]string{"sh"}, args...)
		}
		out, err := exec.Command(sh, args...).Output()
		if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); err != nil || strings.Join(got, "\x00") != strings.Join(hostile, "\x00") {
			t.Errorf("%s: %q, %v", sh, got, err)
		}
	}
	if tried == 0 && os.Getenv("PIWIZ_REAL") == "1" {
		t.Fatal("needs sh")
	}
}

func TestAFileIsNoOption(t *testing.T) {
	for name, want := range map[string]string{"-rf": "./-rf", "a": "a", "- b": "'./- b'", "": "''", "/-": "/-"} {
		if got := File(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}
