package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"piwiz/flash"
	"piwiz/flash/bootfs"
	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/image"
	"piwiz/flash/udisks"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
)

// Image is what is written for a host: the file that the user names, else the image
// of its last build, which must be of the answers as they are. It is an error if
// that cannot be written to any card.
func (e *Engine) Image(ctx context.Context, h nixgen.Host, from image.From) (image.From, error) {
	if from.Path == "" {
		built, err := e.Built(h)
		if err != nil {
			return from, err
		}
		from.Path, from.Again, from.Grow = built.Path, built.Again, built.Grow
	}
	return from, image.Check(ctx, from)
}

// WriteBuilt is Write for the image of the last build.
func (e *Engine) WriteBuilt(ctx context.Context, s hostfile.Saved, card flash.Opened, d disk.Device, report func(flash.Progress)) (flash.Written, error) {
	from, err := e.Built(s.Host)
	if err != nil {
		_ = card.Close() // nothing was written
		return flash.Written{}, err
	}
	return e.Write(ctx, s, from, card, d, report)
}

// Write writes an image and the secrets of a host to a card and verifies them, then
// releases the card: however it ends, it is closed.
func (e *Engine) Write(ctx context.Context, s hostfile.Saved, from image.From, card flash.Opened, d disk.Device, report func(flash.Progress)) (w flash.Written, err error) {
	err = crash.Try(func() (err error) {
		w.Result, err = e.write(ctx, s, flash.Job{Image: from, Card: card, CardSize: d.Size}, report)
		return err
	})
	if err != nil {
		_ = card.Close() // the error says all
		return w, unfinished(err)
	}
	w.Ejected = udisks.Release(ctx, card, d)
	return w, nil
}

// unfinished adds what the card is to an error that cannot know it.
func unfinished(err error) error {
	bug, ok := errors.AsType[*crash.Error](err)
	if _, knows := errors.AsType[*flash.Error](err); knows || !ok {
		return err
	}
	return &flash.Error{
		What: "Writing stopped", Offset: -1, Err: err,
		Todo: append([]string{"Treat the card as half written: it does not boot until it is written again."}, bug.Hints()...),
	}
}

// write carries the values from the nixgen half to the flash half.
func (e *Engine) write(ctx context.Context, s hostfile.Saved, job flash.Job, report func(flash.Progress)) (flash.Result, error) {
	seeds, err := nixgen.Seeds(s.Host, s.PSK, s.Identity)
	if err != nil {
		return flash.Result{}, err
	}
	for _, x := range seeds {
		defer clear(x.Data)
		job.Files = append(job.Files, bootfs.File{Path: x.Path, Data: x.Data})
	}
	job.When = time.Now()
	r, err := flash.Write(ctx, job, report)
	if err == nil {
		e.settle(s.Host.Name)
	}
	return r, err
}

// settle notes that the Pi knows its secrets by the names they have now. When
// that fails the host keeps the old names, which work as well.
func (e *Engine) settle(name string) {
	s, err := e.Store.Load(name)
	if err != nil || !slices.ContainsFunc(s.Host.Networks, func(n nixgen.Network) bool { return n.SecretName != "" }) {
		return
	}
	s.Host = s.Host.Written()
	files, err := nixgen.Files(s.Host)
	if err == nil {
		_, err = e.Store.Save(s, files)
	}
	if err != nil {
		slog.Warn("the names of the secrets were not noted", "host", name, "err", err)
	}
}
