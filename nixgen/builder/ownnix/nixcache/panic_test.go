package nixcache

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// What guards piwiz against a panic is in the goroutine that calls.
func TestAPanicInOnePartIsTheCallers(t *testing.T) {
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "deliberate") || !strings.Contains(said, "panic_test.go") {
			t.Errorf("%s", said)
		}
	}()
	err := parallel(t.Context(), 4, 20, func(_ context.Context, k int) error {
		if k == 7 {
			panic("deliberate")
		}
		return nil
	})
	t.Errorf("it goes on: %v", err)
}
