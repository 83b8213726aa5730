package nix

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"piwiz/nixgen/nix/clean"
	"piwiz/nixgen/nix/scan"
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
	for begin, want := range map[string]int{"": maxPlain, "@nix ": len(tooLong), "@nix {\"action\":\"msg\",\"msg\":\"": len(tooLong)} {
		got := all(t, io.MultiReader(strings.NewReader(begin+strings.Repeat("x", 3*maxLine)), strings.NewReader("\nnext\n")))
		if len(got) != 2 || len(got[0].Text) != want || got[1].Text != "next" {
			t.Errorf("%q: %d events", begin, len(got))
		}
	}
}

func TestRecordedLogsAreAllEvents(t *testing.T) {
	logs, err := filepath.Glob("../follow/testdata/logs/*.jsonl")
	if err != nil || len(logs) < 10 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	for _, name := range logs {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range all(t, f) {
			if e.Action == Plain && !strings.Contains(name, "ssh") {
				t.Errorf("%s:%d: not understood: %s", name, i+1, e.Text)
			}
		}
		f.Close()
	}
}

func TestUnknownNumbersAndNamesAreKept(t *testing.T) {
	for in, want := range map[string]Event{
		`{"action":"start","id":1,"type":4711,"text":"new","fields":[true]}`:            {},
		`{"action":"start","id":1,"type":4711,"text":"new","fields":[{"a":1},1.5]}`:     {Action: Start, ID: 1, Activity: 4711, Text: "new", Fields: []scan.Field{{}, {Num: 1}}},
		`{"action":"start","id":1,"type":4711,"text":"new","level":9}`:                  {Action: Start, ID: 1, Activity: 4711, Text: "new", Level: 9},
		`{"action":"start","id":1,"type":"fetchToStore","text":"new","when":[7,"x"]}`:   {Action: Start, ID: 1, Text: "new"},
		`{"action":"result","id":1,"type":199,"fields":["a",-3,null,9007199254740993]}`: {Action: Result, ID: 1, Kind: 199, Fields: []scan.Field{{Text: "a"}, {Num: -3}, {}, {Num: 9007199254740993}}},
		`{"action":"result","id":18446744073709551615,"type":105,"fields":[]}`:          {Action: Result, ID: 1<<64 - 1, Kind: Progress},
		`{"ACTION":"stop","id":1}`: {Action: Stop, ID: 1},
		` { "action" : "msg" , "level" : 1 , "msg" : "spaced" , "deep" : { "er" : [ ] } }`: {Action: Msg, Level: 1, Text: "spaced"},
	} {
		got := decode([]byte("@nix " + in))
		if want.Action == "" {
			want = got // a list of truth values: any event will do
			if got.Action != Start || len(got.Fields) != 1 {
				t.Errorf("%s: %+v", in, got)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v\nwant %+v", in, got, want)
		}
	}
}

// fuzzSeeds are lines that Nix wrote, and worse ones.
func fuzzSeeds(f *testing.F) {
	for _, line := range []string{
		`{"action":"result","id":1,"type":105,"fields":[1,1e300,"a",null,{}]}` + "\n\r\x1b[x",
		`{"action":"msg","msg":"\u001b[31m\r","file":":1:2","line":18,"column":null,"raw_msg":"x\ud800"}`,
		`{"action":"start","text":"` + "\xff" + `","type":105}` + "\nssh: \x00\x9b",
		`{"action":"start","id":17686675324929,"level":3,"parent":7,"text":"building","type":105,"fields":["/nix/store/x.drv","",1,1]}`,
		`{"action":"stop","id":00}`, `{"action":"stop","id":-1}`, `{"action":"stop","id":1,"id":null}`, `{"action":"stop","Id":1,"other":[1,"x"]}`,
	} {
		f.Add([]byte("@nix " + line))
	}
}

// unsafe fails the test when s, made of in, could act on a terminal.
func unsafe(t *testing.T, s, in string) {
	t.Helper()
	if strings.ContainsAny(s, "\x00\x1b\r\a\b\x7f\u009b\u009d\u202e") || !utf8.ValidString(s) || clean.Text(s) != s {
		t.Fatalf("unsafe text %q from %q", s, in)
	}
}

func FuzzDecoder(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, e := range all(t, strings.NewReader(string(in))) {
			texts := []string{e.Text, e.Cause, e.File}
			for _, x := range e.Fields {
				texts = append(texts, x.Text)
			}
			for _, s := range texts {
				unsafe(t, s, string(in))
			}
		}
	})
}

// FuzzQuickAgrees holds the quick decoder against encoding/json.
func FuzzQuickAgrees(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		body := bytes.TrimPrefix(in, prefix)
		got, ok := quick(body)
		if !ok {
			return
		}
		if want, ok := thorough(body); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nquick    %+v\nthorough %+v, %v", body, got, want, ok)
		}
	})
}

func TestTheQuickDecoderTakesWhatNixWrites(t *testing.T) {
	for name, log := range logs(t) {
		for i, line := range bytes.Split(log, []byte("\n")) {
			body, ok := bytes.CutPrefix(line, prefix)
			if !ok || bytes.Contains(line, []byte(`"trace":[{`)) { // rare and deep: --show-trace
				continue
			}
			got, ok := quick(body)
			if want, _ := thorough(body); !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("%s:%d: %v, %+v, want %+v", name, i+1, ok, got, want)
			}
		}
	}
}

// logs are the recorded logs, by name.
func logs(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../follow/testdata/logs/*.jsonl")
	if err != nil || len(names) < 100 {
		t.Fatalf("%d logs, %v", len(names), err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// BenchmarkDecoder counts lines. A build must never wait for its screen:
// 500 000 lines a second is what is asked for.
func BenchmarkDecoder(b *testing.B) {
	var every bytes.Buffer
	for _, log := range logs(b) {
		every.Write(log)
	}
	for _, c := range []struct{ name, text string }{
		{"a download", `@nix {"action":"result","fields":[4595520,8899952,0,0],"id":76493367541784,"type":105}` + "\n"},
		{"a builder", `@nix {"action":"result","fields":["  CC      drivers/net/wireless/broadcom/brcm80211/brcmfmac/sdio.o"],"id":76493367541806,"type":101}` + "\n"},
		{"a coloured builder", `@nix {"action":"result","fields":["\u001b[1mdrivers/foo.c:12:5: \u001b[31merror:\u001b[0m has no member"],"id":76493367541806,"type":101}` + "\n"},
		{"every recorded log", every.String()},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := strings.Repeat(c.text, 1+(1<<20)/len(c.text))
			b.SetBytes(int64(len(text)))
			lines := 0
			for b.Loop() {
				for d := NewDecoder(strings.NewReader(text)); ; lines++ {
					if _, err := d.Next(); err != nil {
						break
					}
				}
			}
			b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
