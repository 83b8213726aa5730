package clean

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextIsSafeForATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"\x1b[31;1merror:\x1b[0m no":  "error: no",
		"\x1b]0;title\x07text":        "text",
		"\x1b]8;;http://x\x1b\\link":  "link",
		"10%\r50%\r100%":              "100%",
		"first\n10%\r50%":             "first\n50%",
		"dos\r\nline":                 "dos\nline",
		"a\tb":                        "a    b",
		"nul\x00 bell\a":              "nul bell",
		"bad \xff byte":               "bad \uFFFD byte",
		"right\u202eto left":          "rightto left",
		"c1 \u009b31m":                "c1 31m",
		"cut off \x1b":                "cut off ",
		"cut off \x1b[31":             "cut off ",
		"Zürich • √":                  "Zürich • √",
		"\x1b]52;c;aGk=\x07clipboard": "clipboard",
		"\x1bPq#0\x1b\\sixel":         "sixel",
		"\x1b(0lqk\x1b(B line":        "lqk line",
		"\x1b]0;never ended\nnext":    "\nnext",
		"\x1b]0;a\x1b[2Jb":            "b",
		"\x1b[999;\x1b[31mc":          "c",
		"\x1b7\x1b8\x1bc reset":       " reset",
		"line\u2028separator":         "lineseparator",
		"0/3\b\b\b   done":            "0/3   done",
		"latin\xe91":                  "latin\uFFFD1",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

// unsafe fails the test when s, made of in, could act on a terminal.
func unsafe(t *testing.T, s, in string) {
	t.Helper()
	if strings.ContainsAny(s, "\x00\x1b\r\a\b\x7f\u009b\u009d\u202e") || !utf8.ValidString(s) || Text(s) != s {
		t.Fatalf("unsafe text %q from %q", s, in)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"10%\r50%\r\n", "\x1b[31;1merror:\x1b[0m\t\xff", "\x1b]8;;http://x\x1b\\link\x07", "\x1bP\x1b\x1b[\x1b]", "\u009b31m\u202e\u2028", "a\x00\b\n\x7f",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		unsafe(t, got, s)
		if strings.Count(got, "\n") != strings.Count(s, "\n") {
			t.Fatalf("lines of %q became %q", s, got)
		}
	})
}

func TestAHostileLineCostsNoMoreThanItsLength(t *testing.T) {
	line := strings.Repeat("\x1b]", 1<<19)
	if got := Text(line); got != "" {
		t.Errorf("%d bytes", len(got))
	}
}
