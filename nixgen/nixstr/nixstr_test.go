package nixstr

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var hostile = []string{
	"", `"`, `\`, `\n`, "a\nb", "a\r\nb", "\t", "$", "${x}", "$${x}", `\${x}`, "''", "'''", "''${x}", "#", "/*", "a b", "ß 日本 😀", "$(id)", "`id`",
}

func TestNixReadsWhatWasWritten(t *testing.T) {
	if _, err := exec.LookPath("nix-instantiate"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs nix-instantiate")
		}
		t.Skip("needs nix-instantiate: a Nix of any version")
	}
	var list, paths strings.Builder
	var want []string
	for _, s := range hostile {
		q, err := Quote(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		fmt.Fprintf(&list, " %s (builtins.head (builtins.attrNames { %s = 1; })) %s", q, Attr(s), Indented("x\n"+s+"\n", "  "))
		want = append(want, s, s, "x\n"+strings.TrimRight(s, "\n")+"\n")
		if s != "" && !strings.Contains(s, "/") {
			p, err := Path("/tmp/" + s)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&paths, " (toString %s)", p)
		}
	}
	for _, s := range hostile {
		if s != "" && !strings.Contains(s, "/") {
			want = append(want, "/tmp/"+s)
		}
	}
	cmd := exec.Command("nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-E", "["+list.String()+paths.String()+" ]")
	cmd.Env = append(os.Environ(), "NIX_CONFIG=", "HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v", err)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%d of %d, %v", len(got), len(want), err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q came back as %q", want[i], got[i])
		}
	}
}

func TestWhatNixCannotHoldIsRefused(t *testing.T) {
	for _, s := range []string{"a\x00b", "\xff", "\xc3\x28"} {
		if q, err := Quote(s); err == nil {
			t.Errorf("%q is %s", s, q)
		}
		if p, err := Path("/" + s); err == nil {
			t.Errorf("%q is %s", s, p)
		}
	}
}
