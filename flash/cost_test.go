package flash

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/flash/image"
	"piwiz/flash/probe"
	"piwiz/flash/wipe"
)

// What an image that is mostly there costs beyond reading it and writing what
// differs is a sum that does not grow with the image, where its end is in use.
func TestTheProofOfASmallChangeCostsLittle(t *testing.T) {
	paths, wants := sweptImages(t)
	synctest.Test(t, func(t *testing.T) { smallChanges(t, paths, wants) }) // this computer takes no time
}

func smallChanges(t *testing.T, paths []string, wants [][]byte) {
	const changes = 8
	// With a tail of zeros that is read twice, and pieces are written to forget.
	for i, tail := range []int64{0, 7*piece + probe.Enough} {
		f := newFake(2*sweptImage, 2*sweptImage)
		f.slow = time.Millisecond
		noise(rand.New(rand.NewPCG(3, 3)), f.kept)
		copy(f.kept, wants[i])
		for k := range changes {
			f.kept[(3+4*int64(k))<<20] ^= 1 // the first piece and the last are the same
		}
		r, err := Write(context.Background(), Job{Image: image.From{Path: paths[i]}, Card: f, CardSize: f.claims, Files: hostFiles, When: clock}, nil)
		if err != nil || f.wrong(wants[i]) >= 0 || r.Written != changes*piece {
			t.Fatal(err, r)
		}
		least := int64(sweptImage + changes*piece)
		if more := f.asked - least; more > tail+2*wipe.Margin+2*piece+64*block {
			t.Errorf("image %d: it read %d KiB more than it and what was written", i, more>>10)
		}
		if more := f.wrote - changes*piece; more > int64(i)*probe.Enough+2*wipe.Margin+64*block {
			t.Errorf("image %d: it wrote %d KiB more than what differs", i, more>>10)
		}
	}
}
