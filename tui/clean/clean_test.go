package clean

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

func TestALineOfALog(t *testing.T) {
	for name, c := range map[string][2]string{
		"ordinary text stays":                    {"building 'x.drv'...", "building 'x.drv'..."},
		"letters of the world stay":              {"Größe 日本 ✓", "Größe 日本 ✓"},
		"colours go":                             {"\x1b[31;1merror:\x1b[0m bad", "error: bad"},
		"links and titles go":                    {"\x1b]8;;http://x\x1b\\text\x1b]8;;\x07 \x1b]0;t\x07.", "text ."},
		"device control strings go":              {"a\x1bPq#0\x1b\\b\x1b_x\x1b\\c", "abc"},
		"character sets and single escapes go":   {"\x1b(Ba\x1bMb\x1b=c", "abc"},
		"an unfinished string does not hide":     {"a\x1b]0;rest of it", "a0;rest of it"},
		"an unfinished sequence does not hide":   {"a\x1b[12", "a12"},
		"the last state of a progress line":      {"10 %\r50 %\r100 %\r\n", "100 %"},
		"control characters go":                  {"a\x00b\x07c\x08d\x7fe", "abcde"},
		"C1 controls go, as bytes and as runes":  {"a\u009b31mb\x9bc", "a31mb?c"},
		"broken UTF-8 becomes question marks":    {"caf\xe9 \xff", "caf? ?"},
		"a real replacement character stays":     {"a\uFFFDb", "a\uFFFDb"},
		"text direction cannot be turned":        {"a\u202eb\u2066c\u200fd", "abcd"},
		"invisible characters go":                {"a\u200bb\ufeffc\u00add", "abcd"},
		"tabs become blanks up to the next stop": {"ab\tc", "ab      c"},
		"line ends within become blanks":         {"a\nb\u2028c", "a b c"},
	} {
		if got := Line(c[0]); got != c[1] {
			t.Errorf("%s: %q became %q, want %q", name, c[0], got, c[1])
		}
	}
	if got := Line(strings.Repeat("日", 1<<20)); ansi.StringWidth(got) > MaxWidth || !strings.HasSuffix(got, "…") {
		t.Errorf("a long line became %d cells", ansi.StringWidth(got))
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"a\x1b[31mb", "x\ry", "\xff\x9b", "\u202e", "\x1b]0;t\x07", "é\u0301\u200d\ufe0f", "a\x1b\x1b[[m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !utf8.ValidString(got) || ansi.StringWidth(got) > MaxWidth {
			t.Fatalf("%q became %q", s, got)
		}
		for _, r := range got {
			if unicode.In(r, unicode.Cc, unicode.Cf) {
				t.Fatalf("%q kept %U", s, r)
			}
		}
		if again := Line(got); again != got {
			t.Fatalf("%q became %q, then %q", s, got, again)
		}
	})
}

// hostile are texts by which somebody outside could act on the terminal, or
// make one thing look like another.
var hostile = []string{
	"\x1b]0;title\x07", "\x1b]52;c;aGk=\x07", "\x1b[2J\x1b[H", "\x1bc", "\u009b31m", "\x9b31m", "\u202ea\u2066", "a\u200bb", "a\nb\r\nc", "a\rb", "\xff\xfe", "\x00\x7f\b",
	"\u2028\u2029", "\U000e0041", "\x1b[8mhidden", "\x1b]8;;http://x\x1b\\link", "\x1bP+q544e\x1b\\", strings.Repeat("long ", 1<<16), "\u00ad\ufeff\u3164\ufe0f",
}

func acts(s string, allowed string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune(allowed, r) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
	})
}

func TestNothingFromOutsideActsOnTheTerminal(t *testing.T) {
	for _, s := range hostile {
		for _, s := range []string{s, "before" + s + "after", strings.Repeat(s, 3)} {
			if got := Text(s); acts(got, "\n") {
				t.Errorf("Text(%q) is %q", s, got)
			}
			if got := Name(s); acts(got, "") || got == "" {
				t.Errorf("Name(%q) is %q", s, got)
			}
			if got := Drawn(s); acts(Text(got), "\n") || strings.Contains(got, "\x1b]") || strings.Contains(got, "\x1b[2J") || !utf8.ValidString(got) {
				t.Errorf("Drawn(%q) is %q", s, got)
			}
			encoded, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var want, got string
			cleaned := JSON(encoded)
			if json.Unmarshal(encoded, &want) != nil || json.Unmarshal(cleaned, &got) != nil || got != want || acts(string(cleaned), "") {
				t.Errorf("JSON(%s) is %s", encoded, cleaned)
			}
		}
	}
}

// What a stranger has named stands in the middle of a sentence.
func TestAWordFromOutsideHidesNoneOfOurs(t *testing.T) {
	for _, word := range append(hostile, "\x1b]", "\x1b[", "\x1b", "\x1bP", "\r", "\x1b]0;\x1b]", "\x9d") {
		if len(word) > 100 {
			continue // it is cut
		}
		got := Text("The network " + word + " and also " + word + "\x07 is not known.")
		for _, ours := range []string{"The network", "and also", "not known."} {
			if !strings.Contains(got, ours) {
				t.Errorf("%q hides %q: %q", word, ours, got)
			}
		}
	}
}

func TestNamesThatDifferInWhatNobodySeesLookDifferent(t *testing.T) {
	for _, other := range []string{"Home\u200b", "Ho\u00adme", "\u202eHome", "Home\x1b[m", "Home\n"} {
		if Name(other) == Name("Home") {
			t.Errorf("%q looks like Home", other)
		}
	}
	if got := Name("  Café del Mar √ 日本 "); got != "  Café del Mar √ 日本 " {
		t.Errorf("an ordinary name became %q", got)
	}
}

func TestOurOwnColoursAreDrawn(t *testing.T) {
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.TrueColor)
	ours := r.NewStyle().Bold(true).Foreground(lipgloss.Color("#ff0000")).Border(lipgloss.NormalBorder()).Render("text\nof two lines √")
	if got := Drawn(ours); got != ours || !strings.Contains(ours, "\x1b[1;38;2;255;0;0m") {
		t.Errorf("%q became %q", ours, got)
	}
}

func FuzzText(f *testing.F) {
	f.Add(strings.Repeat("\t", maxBytes/2)) // longer as blanks
	f.Add(strings.Repeat("\té", maxBytes/3))
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if acts(got, "\n") || strings.Count(got, "\n") != strings.Count(s, "\n") || Text(got) != got {
			t.Fatalf("%q became %q", s, got)
		}
		if name := Name(s); acts(name, "") || Name(name) != name {
			t.Fatalf("%q became %q", s, name)
		}
	})
}

func FuzzDrawn(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Drawn(s)
		if rest := ansi.Strip(got); acts(rest, "\n") {
			t.Fatalf("%q became %q", s, got)
		}
		for i := range len(got) {
			if got[i] == 0x1b && colour(got[i:]) == 0 {
				t.Fatalf("%q became %q", s, got)
			}
		}
	})
}
