package nix

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLinesBecomeEvents(t *testing.T) {
	in := `@nix {"action":"start","id":4294967297,"level":3,"type":105,"text":"building","fields":["/nix/store/x-linux.drv","",1,1],"parent":0}
@nix {"action":"result","id":4294967297,"type":101,"fields":["CC main.o"]}
@nix {"action":"result","id":1,"type":999,"fields":[1,"x",null]}
@nix {"action":"msg","level":0,"msg":"error: no","raw_msg":"no","file":null,"line":null}
@nix {"action":"new-in-2040"}
@nix broken
` + "Password: \xff\n" + strings.Repeat("x", 3<<20)
	d := NewDecoder(strings.NewReader(in))
	var got []Event
	for {
		e, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != 8 || got[0].Type != Build || got[0].Str(0) != "/nix/store/x-linux.drv" || got[0].Num(2) != 1 || got[1].Str(0) != "CC main.o" || got[2].Type != 999 || got[3].RawMsg != "no" {
		t.Fatalf("%d events: %+v", len(got), got[:4])
	}
	for _, e := range got[4:] {
		if e.Action != Plain {
			t.Errorf("%+v is not plain", e)
		}
	}
	if n := len(got[7].Text); n > maxLine+64<<10 {
		t.Errorf("a line of %d bytes was kept", n)
	}
}

func fake(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nix"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestCancelInterruptsAndWaits(t *testing.T) {
	fake(t, `trap 'echo stopped >&2; exit 1' INT; echo ready >&2; while :; do sleep 0.05; done`)
	ctx, stop := context.WithCancel(context.Background())
	var lines []string
	began := time.Now()
	_, err := Run(ctx, Command{LogFile: filepath.Join(t.TempDir(), "log")}, func(e Event) {
		lines = append(lines, e.Text)
		stop()
	})
	if !errors.Is(err, context.Canceled) || strings.Join(lines, " ") != "ready stopped" || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v: %q", err, time.Since(began), lines)
	}
}

func TestEachLackHasItsRemedy(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"too old":        {"echo nix '(Nix) 2.8.0'", "too old"},
		"no daemon":      {`case "$*" in *version*) echo nix 2.26.3;; *) echo "cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file" >&2; exit 1;; esac`, "daemon"},
		"not permitted":  {`case "$*" in *version*) echo nix 2.26.3;; *) echo "daemon-socket: Permission denied" >&2; exit 1;; esac`, "may not"},
		"all well":       {"echo nix '(Nix) 2.26.3'", ""},
		"other variants": {"echo 'nix (Lix, like Nix) 2.91.1'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fake(t, c.script)
			err := Check(context.Background())
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var p *Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) || len(p.Hints()) == 0 {
				t.Errorf("%v", err)
			}
		})
	}
	t.Setenv("PATH", t.TempDir())
	if err := Check(context.Background()); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("@nix {\"action\":\"start\",\"fields\":[1,\"\"]}\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(strings.NewReader(string(b)))
		for range len(b) + 2 {
			e, err := d.Next()
			if err != nil {
				return
			}
			e.Str(0)
			e.Num(1)
		}
		t.Error("more events than bytes")
	})
}
