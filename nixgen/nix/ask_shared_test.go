package nix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWhoeverAsksAtTheSameTimeGetsOneAnswer(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	stand(t, `echo x >> `+asked+`; sleep 0.3; echo '{"url":"daemon","trusted":true}'`)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if s, _, err := AskStore(t.Context()); err != nil || !s.Daemon() {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	all.Wait()
	if text, err := os.ReadFile(asked); err != nil || strings.Count(string(text), "x") > 4 {
		t.Errorf("asked %q, %v", text, err) // one of the five may come late
	}
}

func TestAQuestionThatWasLeftIsAskedAnew(t *testing.T) {
	stand(t, `sleep 0.5; echo '{"url":"daemon"}'`)
	left, leave := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer leave()
	var first sync.WaitGroup
	first.Go(func() {
		if _, _, err := AskStore(left); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("left: %v", err)
		}
	})
	time.Sleep(50 * time.Millisecond)
	if s, _, err := AskStore(t.Context()); err != nil || !s.Daemon() {
		t.Errorf("%+v, %v", s, err)
	}
	first.Wait()
}
