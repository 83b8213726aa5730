package fault

import (
	"errors"
	"io/fs"
	"testing"
)

type typed struct {
	Todo
	path string
}

func (t *typed) Error() string { return t.path + " is in the way" }

func TestEveryFaultHasItsHints(t *testing.T) {
	for _, err := range []error{
		&Error{Headline: "It is gone.", Why: "Somebody took it.", Todo: []string{"Put it back."}, Err: fs.ErrNotExist},
		&typed{Todo: []string{"Put it back."}, path: "/x"},
	} {
		var h interface{ Hints() []string }
		if !errors.As(err, &h) || len(h.Hints()) != 1 || h.Hints()[0] != "Put it back." {
			t.Errorf("%v", err)
		}
	}
	err := error(&Error{Headline: "It is gone.", Why: "Somebody took it.", Err: fs.ErrNotExist})
	if err.Error() != "It is gone.\nSomebody took it." || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := error(&Error{Headline: "It is gone."}); err.Error() != "It is gone." {
		t.Errorf("%v", err)
	}
}
