package flash

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"piwiz/flash/image"
)

// Each of these cards shows what it is to one step of the proof alone. What is
// not said of them is honest.
func TestEachStepOfTheProofIsNeeded(t *testing.T) {
	paths, wants := sweptImages(t)
	for name, c := range map[string]struct {
		img  int
		make func(f *fake, want []byte)
	}{
		"the mark is gone, and what has replaced it is the same": {1, func(f *fake, want []byte) {
			f.real, f.base, f.until = 33<<20, 21<<20, sweptImage
			f.hold(want, true)
			f.kept[3] ^= 1
		}},
		"what is written last waits in its memory": {0, func(f *fake, _ []byte) {
			f.real, f.base, f.until = 37<<20, 34<<20, sweptImage
			f.limit, f.late = 16<<20, true
		}},
		"the last block was found elsewhere": {0, func(f *fake, want []byte) {
			f.real, f.base, f.until = 37<<20, 34<<20, sweptImage
			f.limit, f.late = 16<<20, true
			f.hold(want, false)
		}},
		"the last block is there twice": {2, func(f *fake, want []byte) {
			f.real, f.base, f.until = 37<<20, 1<<20, sweptImage
			f.hold(want, true)
		}},
		"the first block is also another": {0, func(f *fake, _ []byte) {
			f.real, f.base, f.until = 37<<20, 0, 37<<20+block
		}},
	} {
		t.Run(name, func(t *testing.T) {
			const claims = 2 * sweptImage
			f := newFake(claims, claims)
			noise(rand.New(rand.NewPCG(5, 5)), f.kept[:sweptImage])
			c.make(f, bytes.Clone(wants[c.img]))
			_, err := Write(context.Background(), Job{Image: image.From{Path: paths[c.img]}, Card: f, CardSize: claims, Files: hostFiles, When: clock}, nil)
			if f.powerOff(); err == nil && f.wrong(wants[c.img]) >= 0 {
				t.Error("it was believed and is wrong")
			}
		})
	}
}
