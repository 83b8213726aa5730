package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rules are the arrows of the architecture: from, what it must never link,
// and why. A trailing /... means the package and all below it.
var rules = []struct{ from, never, because string }{
	{"piwiz/nixgen/...", "piwiz/flash", "the image does not know the card"},
	{"piwiz/flash/...", "piwiz/nixgen", "the card does not know Nix"},
	{"piwiz/nixgen/...", "piwiz/tui", "an engine does not know the screen"},
	{"piwiz/flash/...", "piwiz/tui", "an engine does not know the screen"},
	{"piwiz/nixgen/...", "github.com/charmbracelet", "bubbletea v1 asks the terminal at import; engines must not pay for that"},
	{"piwiz/flash/...", "github.com/charmbracelet", "bubbletea v1 asks the terminal at import; engines must not pay for that"},
	{"piwiz/cmd/piwiz/engine", "piwiz/tui", "it is for both faces; neither imports the other"},
	{"piwiz/cmd/piwiz/engine", "github.com/charmbracelet", "an engine knows no screen"},
	{"piwiz/cmd/piwiz/engine", "github.com/spf13/cobra", "an engine knows no command line"},
	{"piwiz/tui/...", "piwiz/cmd", "the wizard asks for what it needs by an interface"},
	{"piwiz/nixgen/wifi", "net", "only its packages air and networkmanager ask anybody"},
	{"piwiz/nixgen/wifi", "github.com", "only its packages air and networkmanager ask anybody"},
	{"piwiz/nixgen/...", "piwiz/cmd", "what asks root is handed in as a function"},
	{"piwiz/flash/...", "piwiz/cmd", "what asks root is handed in as a function"},
	{"piwiz/nixgen/builder/ownnix/namespace", "net", "it is read in ten minutes: mounts and nothing else"},
	{"piwiz/nixgen/builder/ownnix/nar", "net", "it unpacks what it is given"},
	{"piwiz/nixgen/builder/ownnix/narinfo", "net/http", "it reads what it is given"},
	{"piwiz/nixgen/builder/ownnix/folder", "net", "it knows a folder and no Nix"},
	{"piwiz/nixgen/follow", "piwiz/nixgen/builder", "it follows Nix wherever that runs, and builders report to it"},
	{"piwiz/nixgen/forecast", "piwiz/nixgen/builder", "it knows steps and times, not who does them"},
	{"piwiz/nixgen/diagnose/...", "piwiz/nixgen/builder", "it explains what Nix said to whoever ran it"},
}

// asRoot is what runs with administrator rights: the privileged half, and the
// packages of its operations.
var asRoot = []string{"piwiz/cmd/piwiz/root", "piwiz/flash/grant", "piwiz/nixgen/wifi/files", "piwiz/nixgen/wifi/sources", "piwiz/nixgen/emulate/register"}

// What runs as root must be readable in ten minutes.
func TestWhatRunsAsRootLinksNeitherTheNetworkNorLibraries(t *testing.T) {
	for _, p := range asRoot {
		for _, dep := range goList(t, "-deps", p) {
			first, _, _ := strings.Cut(dep, "/")
			library := strings.Contains(first, ".") && !strings.HasPrefix(dep, "golang.org/x/sys/")
			if library || first == "net" || first == "vendor" || strings.HasPrefix(dep, "piwiz/tui") {
				t.Errorf("%s runs as root and links %s", p, dep)
			}
		}
	}
}

// grant.go fills the table of what root does.
func TestTheVerbThatRunsAsRootImportsOnlyWhatMay(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "grant.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil || path != "errors" && !slices.Contains(asRoot, path) {
			t.Errorf("grant.go imports %s, which is not among what may run as root", i.Path.Value)
		}
	}
}

// importers are the only packages that may import a library directly.
var importers = []struct{ library, only, because string }{
	{"github.com/charmbracelet/huh", "piwiz/tui/form", "its quirks are tamed in one place"},
	{"github.com/jaypipes/ghw", "piwiz/flash/detect", "its view of a disk stops at the door"},
	{"os", "-piwiz/tui", "pages do I/O only through engine.go"},
	{"os/exec", "-piwiz/tui", "pages do I/O only through engine.go"},
	{"net", "-piwiz/tui", "pages do I/O only through engine.go"},
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(out))
}

func TestNoPackageLinksWhatItMustNot(t *testing.T) {
	links := map[string][]string{}
	for _, r := range rules {
		if links[r.from] == nil {
			links[r.from] = goList(t, "-deps", r.from)
		}
		for _, dep := range links[r.from] {
			if dep == r.never || strings.HasPrefix(dep, r.never+"/") {
				t.Errorf("%s links %s: %s", r.from, dep, r.because)
			}
		}
	}
}

// A builder is one package and its case in Choose.
func TestBuildersNeedNothingOfTheirChooser(t *testing.T) {
	const chooser = "piwiz/nixgen/builder"
	kinds := 0
	for _, p := range goList(t, chooser+"/...") {
		if p == chooser {
			continue
		}
		kinds++
		if slices.Contains(goList(t, "-deps", p), chooser) {
			t.Errorf("%s links %s: a builder takes orders and reports to a watch", p, chooser)
		}
	}
	if kinds < 3 {
		t.Errorf("%d packages", kinds)
	}
}

// The parts of piwiz's own Nix are leaves: what they say is put together above.
func TestThePartsOfOwnNixNeedNothingOfIt(t *testing.T) {
	const whole = "piwiz/nixgen/builder/ownnix"
	for _, p := range goList(t, whole+"/...") {
		if p != whole && slices.Contains(goList(t, "-deps", p), whole) {
			t.Errorf("%s links %s", p, whole)
		}
	}
}

func TestOnlyTheirTamersImportLibraries(t *testing.T) {
	lines := goList(t, "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}}={{.}} {{end}}`, "piwiz/...")
	for _, line := range lines {
		pkg, imported, _ := strings.Cut(line, "=")
		for _, r := range importers {
			if imported != r.library {
				continue
			}
			if forbidden, ok := strings.CutPrefix(r.only, "-"); ok {
				if pkg == forbidden {
					t.Errorf("%s imports %s: %s", pkg, imported, r.because)
				}
			} else if pkg != r.only {
				t.Errorf("%s imports %s, which only %s may: %s", pkg, imported, r.only, r.because)
			}
		}
	}
}

// Some packages are in both halves, because neither imports the other:
// one text, so that they cannot differ.
func TestTheHalvesHaveTheSameLeaves(t *testing.T) {
	for _, leaf := range []string{"shell/shell.go", "fault/fault.go", "regular/file.go"} {
		ours, err := os.ReadFile("../../nixgen/" + leaf)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile("../../flash/" + leaf)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("nixgen/%s and flash/%[1]s differ: they are one text, change both", leaf)
		}
	}
}

// once are texts that betray a second one of what there is one of, or one in
// each half.
var once = []struct{ text, only, because string }{
	{"`'\\''`", "shell/shell.go", "package shell is the only quoter for shells"},
	{`"store", "info"`, "nix/ask.go", "package nix asks for the store, one at a time"},
	{`"config", "show"`, "nix/ask.go", "package nix asks for the settings"},
	{"os.CreateTemp(", "durable/durable.go knownhosts/pin.go", "what must not be lost is written by package durable, in the other half by knownhosts"},
	{`etenv("XDG_`, "xdg/xdg.go", "package xdg is the only reader of the user's folders"},
}

func TestThereIsOneOfEach(t *testing.T) {
	compiledFiles(t, func(path string, text []byte) {
		for _, o := range once {
			if bytes.Contains(text, []byte(o.text)) && !slices.ContainsFunc(strings.Fields(o.only), func(only string) bool { return strings.HasSuffix(path, only) }) {
				t.Errorf("%s has %s: %s", path, o.text, o.because)
			}
		}
	})
}

// An error for people is a fault.Error of its half, or embeds its fault.Todo.
func TestErrorsForPeopleAreFaults(t *testing.T) {
	own := regexp.MustCompile(`(?m)^func \([^)]*\) Hints\(.*$`)
	seen := 0
	compiledFiles(t, func(path string, text []byte) {
		for _, method := range own.FindAll(text, -1) {
			if seen++; !strings.HasSuffix(path, "/fault/fault.go") {
				t.Errorf("%s: %s has what package fault is for: embed fault.Todo, or use fault.Error", path, method)
			}
		}
	})
	if seen < 2 {
		t.Error("the search finds not even those of the two packages fault")
	}
}

// compiledFiles reads what is compiled into piwiz.
func compiledFiles(t *testing.T, see func(path string, text []byte)) {
	t.Helper()
	for _, half := range []string{"cmd", "tui", "nixgen", "flash"} {
		err := filepath.WalkDir("../../"+half, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			see(strings.TrimPrefix(path, "../../"), text)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, p := range goList(t, "piwiz/...") {
		switch name := p[strings.LastIndexByte(p, '/')+1:]; name {
		case "util", "utils", "common", "helpers", "types", "models", "manager", "build":
			t.Errorf("%s: a package is named for what it holds", p)
		}
	}
}

// From v0.11.7 on string width is five times slower, and any dependency can
// raise the version.
func TestAnsiStaysAtTheFastVersion(t *testing.T) {
	if got := goList(t, "-m", "-f", "{{.Version}}", "github.com/charmbracelet/x/ansi"); len(got) != 1 || got[0] != "v0.11.6" {
		t.Errorf("github.com/charmbracelet/x/ansi is %v, want v0.11.6", got)
	}
}

// ssh -G runs commands of the user's, so each question needs its limit.
func TestOnlyOnePackageAsksSSHForItsSettings(t *testing.T) {
	for _, line := range goList(t, "-f", `{{$p := .}}{{range .GoFiles}}{{$p.ImportPath}}={{$p.Dir}}/{{.}} {{end}}`, "piwiz/...") {
		pkg, file, _ := strings.Cut(line, "=")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if asks := bytes.Contains(text, []byte(`"-G"`)); asks && pkg != "piwiz/flash/firstboot/sshconfig" {
			t.Errorf("%s asks ssh -G: piwiz/flash/firstboot/sshconfig does that", file)
		}
	}
}
