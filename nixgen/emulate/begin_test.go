package emulate

import (
	"errors"
	"testing"
)

func TestWhatRootDoesNotDoIsNotProven(t *testing.T) {
	no := errors.New("no rights")
	if err := Begin(func() error { return no }, func() bool { t.Error("ended what was not begun"); return true }); !errors.Is(err, no) {
		t.Errorf("%v, want %v", err, no)
	}
}

// Whether programs for the Pi run here, this computer says; only where they do
// does what root began go on.
func TestOnlyWhatWorksGoesOn(t *testing.T) {
	ended := 0
	err := Begin(func() error { return nil }, func() bool { ended++; return true })
	if works := Check(t.Context()) == nil; (err == nil) != works || (ended == 0) != works {
		t.Errorf("works: %v; %v, ended %d times", works, err, ended)
	}
}

func TestAnEmulatorThatIsGoneIsNoErrorHoweverItWent(t *testing.T) {
	if tab, err := readTable("/proc/sys/fs/binfmt_misc"); err != nil || hasOwn(tab) {
		t.Skip("a piwiz has registered one here, or the table cannot be read")
	}
	for _, said := range []bool{true, false} {
		if err := End(func() bool { return said }); err != nil {
			t.Errorf("root said %v: %v", said, err)
		}
	}
}
