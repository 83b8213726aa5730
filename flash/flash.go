package flash

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"piwiz/flash/bootfs"
	"piwiz/flash/crash"
	"piwiz/flash/device"
	"piwiz/flash/image"
	"piwiz/flash/lanes"
	"piwiz/flash/meter"
	"piwiz/flash/monitor"
	"piwiz/flash/plan"
	"piwiz/flash/probe"
	"piwiz/flash/regular"
	"piwiz/flash/seen"
	"piwiz/flash/source"
)

// Card is what is written to. One that has Memory() []byte is asked with
// buffers from there only.
type Card = device.Card

// Progress is how far a run is.
type Progress = meter.Progress

// Result is a card that was written and read back.
type Result = meter.Result

// Error is what failed, where, and what to do.
type Error = device.Error

const (
	// block is what requests are multiples of.
	block = device.Block
	// piece is what is compared, hashed and decided about.
	piece = plan.Piece
	// chunkSize is the largest request. Cards are fastest with 1 to 4 MiB; what
	// all lanes hold at once should stay in the processor's cache.
	chunkSize = 2 << 20
)

// Job is what to write where.
type Job struct {
	Image    image.From
	Card     Card
	CardSize int64         // bytes
	Files    []bootfs.File // for the FIRMWARE partition
	When     time.Time     // the time stamp of these files
}

// Write writes the image and reads it back. It returns within two seconds of
// ctx's end even when a request hangs in the kernel. After an error the first
// block of the card says so and it does not boot, or nothing was written.
func Write(ctx context.Context, job Job, report func(Progress)) (Result, error) {
	// The image may be on a server that does not answer, so this waits for it no
	// longer than ctx either.
	src, err := regular.Within(ctx, func() (*source.Source, error) {
		return source.Open(ctx, job.Image, job.CardSize, job.Files, job.When)
	}, (*source.Source).Close)
	if err != nil && ctx.Err() != nil {
		return Result{}, untouched(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	w, drop, err := prepare(job, src)
	if err != nil {
		return Result{}, err
	}
	return w.guard(ctx, report, drop)
}

// prepare gets memory; drop gives it back, and closes the image.
func prepare(job Job, src *source.Source) (w *writer, drop func(), err error) {
	seed := maphash.MakeSeed()
	w = &writer{job: job, src: src, meter: meter.New(src.Least()), plan: plan.New(src.Least())}
	w.sum = func(b []byte) uint64 { return maphash.Bytes(seed, b) }
	w.before, w.seen = seen.New(w.sum, 0), seen.New(w.sum, src.Least()/block+1)
	release, err := w.allocate()
	if err != nil {
		src.Close()
		return nil, nil, err
	}
	return w, func() { src.Close(); release() }, nil
}

// writer is one run.
type writer struct {
	job   Job
	src   *source.Source
	meter *meter.Meter
	plan  *plan.Plan
	card  *device.Device
	lanes []lanes.Lane
	page  []byte // one block
	marks []byte // for the probe
	extra []byte // chunkSize, for one at a time

	arming sync.RWMutex
	armed  bool          // the first block says that the card is unfinished
	tested time.Duration // how long its size took to verify
	again  bool          // it said so from the start: an earlier run has failed

	// From arming to the proof a mark stands on the last block of the image.
	mark []byte // nil if there is none
	held int64  // where it is
	last []byte // the block itself

	sum    func([]byte) uint64 // what a piece is verified by
	seen   *seen.Blocks        // of the image
	before *seen.Blocks        // what the card held where something was written
	blind  atomic.Bool         // something was written and not compared before
	total  atomic.Int64        // bytes that were written to the image, and behind it to forget
	behind int64               // up to where the space after the image was not used to forget

	mu      sync.Mutex
	proofs  []proof
	size    int64         // bytes, whole blocks
	end     uint64        // sum of the last block; 0 if it is zero
	waited  time.Duration // for the image, by all lanes
	skipped int           // pieces
}

// proof is what a piece must read back as. The first block counts as unfinished.
// The sum is one that costs no time even where the card is memory, and that no
// card can foresee, because its seed is another one in each run: what came back
// wrong passes in one of 2^64 cases.
type proof struct {
	index   int64
	sum     uint64
	zero    bool
	skipped bool  // it was found equal and not written
	sample  bool  // it is verified anyway
	at      int64 // total when it was written
}

// guard runs the work beside a monitor. A request that hangs keeps its memory
// and the image.
func (w *writer) guard(ctx context.Context, report func(Progress), drop func()) (Result, error) {
	r, err := monitor.Run(ctx, func() (r Result, err error) {
		err = crash.Try(func() (err error) {
			defer drop()
			r, err = w.work(ctx)
			return err
		})
		switch {
		case crash.Is(err):
			err = w.crashed(err)
		case err != nil && ctx.Err() != nil:
			err = w.cancelled(ctx)
		}
		return r, err
	}, func() { w.tell(report) })
	if errors.Is(err, monitor.ErrHung) {
		return Result{}, w.cancelled(ctx)
	}
	return r, err
}

// tell reports what the meter and the card say now.
func (w *writer) tell(report func(Progress)) {
	if report == nil {
		return
	}
	now := time.Now()
	report(w.meter.Sample(now, w.card.Waiting(now)))
}

// crashed adds to a fault of piwiz itself what has become of the card.
func (w *writer) crashed(err error) error {
	e, _ := errors.AsType[*crash.Error](err)
	return &Error{What: "Writing stopped", Offset: -1, Err: err, Todo: append([]string{w.card.State()}, e.Hints()...)}
}

// cancelled says what the user's wish has left behind.
func (w *writer) cancelled(ctx context.Context) error {
	if !w.card.Touched() {
		return untouched(ctx)
	}
	return &Error{What: "Writing was cancelled", Offset: -1, Err: ctx.Err(), Todo: []string{"The card is not finished and does not boot. Write it again."}}
}

func untouched(ctx context.Context) error {
	return &Error{What: "Writing was cancelled", Offset: -1, Err: ctx.Err(), Todo: []string{"Nothing was written to the card; start again when you like."}}
}

// work is the whole act.
func (w *writer) work(ctx context.Context) (Result, error) {
	began := time.Now()
	final, err := w.holdsFirst()
	if err == nil && !final {
		err = w.arm(ctx, min(w.src.Least()+block-1, w.job.CardSize)/block*block)
	}
	if err == nil {
		err = w.write(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	wrote := time.Now()
	writing := wrote.Sub(began) - w.tested
	if err := w.verifyAll(ctx); err != nil {
		return Result{}, err
	}
	read := time.Now()
	w.meter.Begin(meter.Finishing, block)
	if err := w.finish(); err != nil {
		return Result{}, err
	}
	w.meter.Settled(block)
	counts := w.meter.Counts()
	return Result{
		Bytes: w.size, Took: time.Since(began), Tested: w.tested, Wrote: writing, Checked: read.Sub(wrote),
		Waited: w.waited / lanes.Count, Counts: counts,
		WriteRate: meter.Rate(w.size, writing), VerifyRate: meter.Rate(counts.Verified, read.Sub(wrote)),
	}, nil
}

// sharer is a card behind another process, with the memory that both see.
type sharer interface{ Memory() []byte }

// allocate gets the buffers, which take 14 MiB.
func (w *writer) allocate() (release func(), err error) {
	const size = (2*lanes.Count+1)*chunkSize + 2*block + probe.Memory
	var m lanes.Memory
	release = func() {}
	if s, ok := w.job.Card.(sharer); ok {
		m = s.Memory()[:size]
	} else if m, release, err = lanes.Map(size); err != nil {
		return nil, err
	}
	for range lanes.Count {
		w.lanes = append(w.lanes, lanes.Lane{Chunk: m.Cut(chunkSize), Spare: m.Cut(chunkSize)})
	}
	w.extra, w.page, w.marks = m.Cut(chunkSize), m.Cut(block), m.Cut(probe.Memory)
	w.card = device.New(w.job.Card, m.Cut(block), w.src.Place, w.plan.Took)
	return release, nil
}
