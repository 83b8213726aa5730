package crash

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPanicIsAnErrorWithItsStackInTheLog(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := LogTo(f); err != nil {
		t.Fatal(err)
	}
	defer log.Store(nil)
	for name, panics := range map[string]func(){
		"a value":       func() { panic("deliberate") },
		"an error":      func() { panic(errors.New("deliberate")) },
		"an index":      func() { _ = []int{}[len(name())] },
		"a nil pointer": func() { var e *Error; _ = e.Value },
		"a nil panic":   func() { panic(nil) }, //nolint
	} {
		got := make(chan error, 1)
		Go(func() error { panics(); return nil }, func(err error) { got <- err })
		err := <-got
		if !Is(err) || !strings.HasPrefix(err.Error(), "piwiz has a bug: ") {
			t.Errorf("%s: %v", name, err)
		}
		var e *Error
		if errors.As(err, &e); !strings.Contains(strings.Join(e.Hints(), "\n"), f.Name()) {
			t.Errorf("%s: %q does not name the log", name, e.Hints())
		}
		written, err := os.ReadFile(f.Name())
		if err != nil || !strings.Contains(string(written), "crash_test.go") {
			t.Errorf("%s: the stack is not in the log:\n%s", name, written)
		}
		if err := f.Truncate(0); err != nil {
			t.Fatal(err)
		}
	}
}

func name() string { return "x" }

func TestAnErrorIsItself(t *testing.T) {
	want, got := errors.New("ordinary"), make(chan error, 2)
	Go(func() error { return want }, func(err error) { got <- err })
	Go(func() error { return nil }, func(err error) { got <- err; panic("in the end") })
	for range 2 {
		if err := <-got; err != nil && err != want {
			t.Error(err)
		}
	}
}

func TestAPanicThatIsPassedOnKeepsItsStack(t *testing.T) {
	first := Try(func() error { panic("deliberate") })
	second := Try(func() error { panic(first) })
	if first != second {
		t.Errorf("%v, %v", first, second)
	}
}
