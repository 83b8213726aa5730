package logfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogIsBoundedAndKeepsItsEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "new/folder/x.log")
	l, err := Rotate(name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if n, err := fmt.Fprintf(l, "line %d\n", i); err != nil || n == 0 {
			t.Fatal(err)
		}
	}
	big := bytes.Repeat([]byte("x"), 5000)
	if n, err := l.Write(big); n != len(big) || err != nil {
		t.Error(n, err)
	}
	if _, err := l.Write([]byte("end\n")); err != nil || l.Close() != nil {
		t.Error(err)
	}
	now, err := os.ReadFile(name)
	before, err2 := os.ReadFile(name + Before)
	if err != nil || err2 != nil || string(now) != "end\n" || !bytes.Equal(before, big) {
		t.Errorf("%d bytes, %d before, %v %v", len(now), len(before), err, err2)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func TestALogGoesOnOrBeginsAnew(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.log")
	for i, open := range []func(string, int64) (*File, error){Open, Open, Rotate, Open} {
		l, err := open(name, 1000)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(l, i)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	now, _ := os.ReadFile(name)
	before, _ := os.ReadFile(name + Before)
	if string(now)+" "+string(before) != "23 01" {
		t.Errorf("%q, %q before", now, before)
	}
}

func TestADiskThatIsFullStopsNothing(t *testing.T) {
	l, err := Open("/dev/full", 10)
	if err != nil {
		t.Skip("there is no /dev/full: ", err)
	}
	if n, err := l.Write([]byte(strings.Repeat("x", 100))); n != 100 || err != nil {
		t.Error(n, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
