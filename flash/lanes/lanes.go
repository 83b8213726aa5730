// Package lanes keeps several requests to a card under way at once, each with
// memory of its own, as direct access to a disk asks for it.
package lanes

import (
	"context"
	"sync"

	"piwiz/flash/crash"
)

// Count is how many requests are under way at once. Card readers queue one or
// two; while those are served another lane decodes, compares and hashes.
const Count = 3

// Lane is the memory of one: for a part of the image, and to read into.
type Lane struct{ Chunk, Spare []byte }

// Race runs do in every lane. The first error ends all of them.
func Race(ctx context.Context, all []Lane, do func(ctx context.Context, own Lane) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for _, own := range all {
		wg.Add(1)
		crash.Go(func() error { return do(ctx, own) }, func(err error) {
			if err != nil {
				fail(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
