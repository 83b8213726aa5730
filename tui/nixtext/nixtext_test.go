package nixtext

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

const sample = `# made by hand
{ config, pkgs, lib, ... }:
let
  user = "ann"; n = 3;
in
{
  imports = [ <nixpkgs/nixos> ./hw.nix ../x ~/y /etc/z ];
  networking.networks."Café ${user + "\${no}"} $${not}".pskRaw = "ext:home";
  users.users.${user} = { a = { }; };
  text = ''
    multi ${pkgs.hello}/bin ''${not} ''' ''\${ $$
  '';
  /* block
     comment */
  x = if a == b then a / b else [ 1.5 ];
}
`

func TestKinds(t *testing.T) {
	got := map[string]Kind{}
	for _, tok := range Lex(sample) {
		got[strings.TrimSpace(tok.Text)] = tok.Kind
	}
	for text, want := range map[string]Kind{
		"# made by hand": Comment, "/* block\n     comment */": Comment,
		"let": Keyword, "in": Keyword, "then": Keyword, "user": Plain, "n": Name, "imports": Name, "networking": Name,
		"3": Number, "1.5": Number, "<nixpkgs/nixos>": Path, "./hw.nix": Path, "../x": Path, "~/y": Path, "/etc/z": Path,
		`ann"`: String, `\${no}"`: String, `$${not}"`: String, "${": Insert, "}": Plain,
		"/bin ''${not} ''' ''\\${ $$\n  ''": String,
	} {
		if kind, ok := got[text]; !ok || kind != want {
			t.Errorf("%q is of kind %d (seen %v), want %d", text, kind, ok, want)
		}
	}
}

func TestBracesOfAnInsertAreToldFromThoseOfASet(t *testing.T) {
	var inserts []string
	for _, tok := range Lex(`"${ { a = "}${x}"; }.a }" + { }`) {
		if tok.Kind == Insert {
			inserts = append(inserts, tok.Text)
		}
	}
	if strings.Join(inserts, " ") != "${ ${ } }" {
		t.Errorf("inserts %q", inserts)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// colours makes lipgloss colour although a test has no terminal.
func colours(t testing.TB) {
	old := lipgloss.ColorProfile()
	lipgloss.SetColorProfile(termenv.ANSI256)
	t.Cleanup(func() { lipgloss.SetColorProfile(old) })
}

func TestColoursAreAddedAndNothingElse(t *testing.T) {
	colours(t)
	got := Colour(sample)
	if escapes.ReplaceAllString(got, "") != sample {
		t.Errorf("%q", got)
	}
	for line := range strings.Lines(got) {
		if on := strings.LastIndex(line, "\x1b["); on >= 0 && !strings.HasPrefix(line[on:], "\x1b[0m") {
			t.Errorf("a colour goes on after the line %q", line)
		}
	}
}

// Real files, where this computer has some: nixpkgs or the flakes of others.
func TestRealFiles(t *testing.T) {
	colours(t)
	dir := os.Getenv("NIX_FILES")
	if dir == "" {
		t.Skip("needs a folder of Nix files in NIX_FILES, such as a checkout of nixpkgs")
	}
	files := 0
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".nix") && d.Type().IsRegular() {
			src, err := os.ReadFile(path)
			if err == nil && escapes.ReplaceAllString(Colour(string(src)), "") != escapes.ReplaceAllString(string(src), "") {
				t.Errorf("%s: another text", path)
			}
			files++
		}
		return nil
	})
	t.Logf("%d files", files)
}

// The sample is judged by Nix itself, so that the test is about real Nix.
func TestSampleIsNix(t *testing.T) {
	if _, err := exec.LookPath("nix-instantiate"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs nix-instantiate")
		}
		t.Skip("needs nix-instantiate (apt-get install nix-bin): parses the sample")
	}
	cmd := exec.Command("nix-instantiate", "--parse", "-")
	cmd.Stdin = strings.NewReader("a: b: " + sample) // the two names it uses
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func FuzzColour(f *testing.F) {
	for _, s := range []string{sample, `"`, "''", "${", "}", "/*", "#\r\n", "<a>", "''\\", "\xff\t\"\\", "a\r\nb", "'''", "$"} {
		f.Add(s)
	}
	colours(f)
	f.Fuzz(func(t *testing.T, src string) {
		var joined strings.Builder
		for _, tok := range Lex(src) {
			joined.WriteString(tok.Text)
		}
		if joined.String() != src {
			t.Fatalf("the tokens of %q are %q", src, joined.String())
		}
		if got := Colour(src); escapes.ReplaceAllString(got, "") != escapes.ReplaceAllString(src, "") {
			t.Fatalf("%q became %q", src, got)
		}
	})
}

func BenchmarkColour(b *testing.B) {
	colours(b)
	for b.Loop() {
		Colour(sample)
	}
}
