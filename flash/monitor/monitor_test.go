package monitor

import (
	"context"
	"errors"
	"testing"
	"time"

	"piwiz/flash/crash"
)

func TestWhatTheWorkComesBackWithIsTheResult(t *testing.T) {
	want, beats := errors.New("it failed"), 0
	r, err := Run(t.Context(), func() (int, error) { return 3, want }, func() { beats++ })
	if r != 3 || !errors.Is(err, want) || beats == 0 {
		t.Errorf("%d, %v, %d beats", r, err, beats)
	}
	if _, err := Run(t.Context(), func() (int, error) { panic("a bug") }, func() {}); !crash.Is(err) {
		t.Errorf("a panic: %v", err)
	}
}

// Work that does not end is left alone, a second after it should have; one that
// ends in time is waited for.
func TestWorkThatHangsIsNotWaitedFor(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	never := make(chan struct{})
	defer close(never)
	began := time.Now()
	_, err := Run(ctx, func() (int, error) { <-never; return 3, nil }, func() {})
	if took := time.Since(began); !errors.Is(err, ErrHung) || took < grace {
		t.Errorf("%v after %v", err, took)
	}
	if r, err := Run(ctx, func() (int, error) { time.Sleep(2 * every); return 3, nil }, func() {}); r != 3 || err != nil {
		t.Errorf("%d, %v", r, err)
	}
}
