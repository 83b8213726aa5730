package nix

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func all(t testing.TB, r io.Reader) []Event {
	t.Helper()
	var out []Event
	for d := NewDecoder(r); ; {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
}

func TestLinesBecomeEvents(t *testing.T) {
	in := strings.Join([]string{
		`@nix {"action":"start","id":17686675324929,"level":3,"parent":7,"text":"building '\u001b[1mx\u001b[0m'","type":105,"fields":["/nix/store/x.drv","",1,1]}`,
		`@nix {"action":"result","id":17686675324929,"type":105,"fields":[1,6,2,0]}`,
		`@nix {"action":"result","id":1,"type":101,"fields":["a\tb"]}`,
		`@nix {"action":"msg","level":0,"msg":"error: x","raw_msg":"x","file":"/nix/store/s/configuration.nix:18:29","line":18,"column":29}`,
		`@nix {"action":"msg","level":0,"msg":"error: y","raw_msg":"y","file":null,"line":null,"column":null}`,
		`@nix {"action":"stop","id":17686675324929}`,
		`@nix {"action":"start","id":2,"type":"fetchToStore"}`,
		`ssh: connect to host pi port 22: Connection refused`,
		`@nix {"action":"msg","level":`,
		`@nix {"action":"dance"}`,
	}, "\n")
	got := all(t, iotest.OneByteReader(strings.NewReader(in)))
	if len(got) != 10 {
		t.Fatalf("%d events", len(got))
	}
	if e := got[0]; e.Action != Start || e.ID != 17686675324929 || e.Parent != 7 || e.Activity != Build || e.Text != "building 'x'" || e.TextAt(0) != "/nix/store/x.drv" || e.TextAt(9) != "" {
		t.Errorf("start: %+v", e)
	}
	if e := got[1]; e.Kind != Progress || e.NumAt(1) != 6 || e.NumAt(9) != 0 {
		t.Errorf("progress: %+v", e)
	}
	if e := got[2]; e.Kind != LogLine || e.TextAt(0) != "a    b" {
		t.Errorf("log line: %+v", e)
	}
	if e := got[3]; e.Cause != "x" || e.File != "/nix/store/s/configuration.nix" || e.Line != 18 || e.Column != 29 {
		t.Errorf("message: %+v", e)
	}
	if e := got[4]; e.Cause != "y" || e.File != "" || e.Line != 0 {
		t.Errorf("message without place: %+v", e)
	}
	if e := got[6]; e.Action != Start || e.Activity != Unknown {
		t.Errorf("named activity: %+v", e)
	}
	for i, e := range got[7:] {
		if e.Action != Plain || e.Text == "" {
			t.Errorf("line %d: %+v", i+8, e)
		}
	}
}

func TestALineWithoutEndDoesNotFillTheMemory(t *testing.T) {
	got := all(t, io.MultiReader(strings.NewReader(strings.Repeat("x", 3*maxLine)), strings.NewReader("\nnext\n")))
	if len(got) != 2 || len(got[0].Text) != maxLine || got[1].Text != "next" {
		t.Errorf("%d events", len(got))
	}
}

func TestRecordedLogsAreAllEvents(t *testing.T) {
	logs, err := filepath.Glob("../build/testdata/logs/*.jsonl")
	if err != nil || len(logs) < 10 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	for _, name := range logs {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range all(t, f) {
			if e.Action == Plain {
				t.Errorf("%s:%d: not understood: %s", name, i+1, e.Text)
			}
		}
		f.Close()
	}
}

func TestTextIsSafeForATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                      "plain",
		"\x1b[31;1merror:\x1b[0m no": "error: no",
		"\x1b]0;title\x07text":       "text",
		"\x1b]8;;http://x\x1b\\link": "link",
		"10%\r50%\r100%":             "100%",
		"first\n10%\r50%":            "first\n50%",
		"dos\r\nline":                "dos\nline",
		"a\tb":                       "a    b",
		"nul\x00 bell\a":             "nul bell",
		"bad \xff byte":              "bad \uFFFD byte",
		"right\u202eto left":         "rightto left",
		"c1 \u009b31m":               "c1 31m",
		"cut off \x1b":               "cut off ",
		"cut off \x1b[31":            "cut off ",
		"Zürich • √":                 "Zürich • √",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(`@nix {"action":"result","id":1,"type":105,"fields":[1,1e300,"a",null,{}]}` + "\n\r\x1b[x"))
	f.Add([]byte("@nix {\"action\":\"msg\",\"msg\":\"\\u001b[31m\\r\",\"file\":\":1:2\"}"))
	f.Add([]byte("@nix {\"action\":\"start\",\"text\":\"\xff\",\"type\":105}\nssh: \x00\x9b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, e := range all(t, strings.NewReader(string(in))) {
			texts := []string{e.Text, e.Cause, e.File}
			for _, x := range e.Fields {
				texts = append(texts, x.Text)
			}
			for _, s := range texts {
				if strings.ContainsAny(s, "\x00\x1b\r\a\x7f") || !utf8.ValidString(s) || Clean(s) != s {
					t.Fatalf("unsafe text %q from %q", s, in)
				}
			}
		}
	})
}
