package nixcache

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/packed"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/fault"
)

// fetcher is a Cache at work.
type fetcher struct {
	sources []*source
	keys    []narinfo.Key
	web     web
}

// source is one of several caches.
type source struct {
	name string   // as it was given
	base *url.URL // without a slash at its end
	down atomic.Bool
}

func (c Cache) fetcher() (*fetcher, error) {
	f := &fetcher{keys: c.Keys, web: newWeb(c.Client, c.Patience)}
	for _, text := range c.URLs {
		u, err := CheckURL(text)
		if err != nil {
			return nil, err
		}
		f.sources = append(f.sources, &source{name: text, base: u})
	}
	if len(f.sources) == 0 || len(f.keys) == 0 {
		return nil, errors.New("no cache, or no key to trust")
	}
	return f, nil
}

// CheckURL reads the address of a cache: https, http, file, or a folder.
func CheckURL(text string) (*url.URL, error) {
	if filepath.IsAbs(text) {
		return &url.URL{Scheme: "file", Path: filepath.Clean(text)}, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && filepath.IsAbs(u.Path),
		(u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
		u.RawQuery, u.Fragment = "", "" // settings of Nix, such as ?priority=10
		return u, nil
	}
	return nil, &fault.Error{
		Headline: fmt.Sprintf("%q is not the address of a binary cache.", text), Err: err,
		Todo: fault.Todo{"It begins with https://, http:// or file:///, for example: https://cache.nixos.org"},
	}
}

// anywhere does one thing with the first source that it works with, each several
// times when that may help.
func (f *fetcher) anywhere(ctx context.Context, path string, do func(context.Context, *source) error) error {
	var failed []*sourceError
	for _, s := range f.up() {
		for attempt := 0; ; attempt++ {
			err := do(ctx, s)
			if err == nil {
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			told, ok := errors.AsType[*sourceError](err)
			if !ok {
				return err // it is not the source's
			}
			if !told.passing() || attempt == retries {
				if told.everywhere() { // nobody else need wait for it as long
					s.down.Store(true)
				}
				failed = append(failed, told)
				break
			}
			if err := sleep(ctx, f.web.pause(attempt)); err != nil {
				return err
			}
		}
	}
	return tell(path, failed)
}

// up are the sources that answered so far, or all of them when none did.
func (f *fetcher) up() []*source {
	var up []*source
	for _, s := range f.sources {
		if !s.down.Load() {
			up = append(up, s)
		}
	}
	if len(up) == 0 {
		return f.sources
	}
	return up
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// ask reads a narinfo and verifies it.
func (f *fetcher) ask(ctx context.Context, s *source, path string) (narinfo.Info, error) {
	address := narinfo.At(s.base, filepath.Base(path)[:storedir.HashLen]+".narinfo")
	body, err := f.web.get(ctx, address)
	if err != nil {
		return narinfo.Info{}, err
	}
	defer body.Close()
	n, err := narinfo.Parse(body)
	switch {
	case body.failed != nil:
		return narinfo.Info{}, body.failed
	case err != nil:
		return narinfo.Info{}, body.fault(damaged, err)
	case n.Path != path:
		return narinfo.Info{}, body.fault(foreign, fmt.Errorf("it is about %s", n.Path))
	case !n.SignedBy(f.keys):
		return narinfo.Info{}, body.fault(unsigned, fmt.Errorf("signed by %s", n.Signers()))
	}
	n.Source = s.name
	return n.Info, nil
}

// add fetches one store path from a source. The path gets its name, from shelf,
// only after all that was signed is verified.
func (f *fetcher) add(ctx context.Context, s *source, shelf *storedir.Shelf, i narinfo.Info, p *meter.Part) error {
	if i.Source != s.name {
		there, err := f.ask(ctx, s, i.Path)
		if err != nil {
			return err
		}
		if !i.Same(there) {
			return &sourceError{kind: foreign, address: s.base.Redacted(), err: fmt.Errorf("it has another build of it: %s", there.NarHash)}
		}
		i = there
	}
	part, err := storedir.Begin(shelf.Store, i.Path)
	if err != nil {
		return noWriting(shelf.Store, err)
	}
	if err = f.unpack(ctx, s, i, part, p); err != nil {
		if left := nar.Remove(part); left != nil {
			err = errors.Join(err, left)
		}
		return err
	}
	p.Done()
	return noWriting(shelf.Store, shelf.Put(i.Path, i.NarSize))
}

func (f *fetcher) unpack(ctx context.Context, s *source, i narinfo.Info, to string, p *meter.Part) error {
	body, err := f.web.get(ctx, narinfo.At(s.base, i.URL))
	if err != nil {
		return err
	}
	defer body.Close()
	body.most, body.report = i.MostPacked(), p.At
	plain, err := packed.Reader(i.Compression, body)
	if err == nil {
		defer plain.Close()
		sum := i.Content(plain)
		if err = nar.Unpack(sum, to); err == nil {
			err = sum.Verify()
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case body.failed != nil:
		return body.failed
	}
	if _, ok := errors.AsType[*nar.WriteError](err); ok {
		return noWriting(filepath.Dir(to), err)
	}
	return body.fault(damaged, err)
}
