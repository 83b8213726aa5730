package nixcache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"piwiz/nixgen/builder/ownnix/narinfo"
)

const (
	patience   = 30 * time.Second
	connecting = 10 * time.Second
	slowest    = 1 << 10 // bytes that must come within the patience
	redirects  = 10
	retries    = 2 // how often a source is asked again, when it may answer later
)

// web gets files by http, https and file.
type web struct {
	client   *http.Client
	patience time.Duration
}

// transport is shared, so that connections are; proxies are those of the
// environment.
var transport = sync.OnceValue(func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: connecting, KeepAlive: patience}).DialContext
	t.MaxIdleConnsPerHost = narinfosAtOnce
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return proxyError(answer.StatusCode)
		}
		return nil
	}
	return t
})

func newWeb(client *http.Client, wait time.Duration) web {
	if wait == 0 {
		wait = patience
	}
	if client == nil {
		client = &http.Client{Transport: transport()}
	}
	ours := *client
	ours.CheckRedirect = follow
	return web{&ours, wait}
}

// pause is how long to wait before the next attempt.
func (w web) pause(attempt int) time.Duration { return w.patience / 30 << (2 * attempt) }

// follow lets a cache send us to another host: what comes is verified. That is
// never a file of this computer, and who asked by https is not sent to http.
func follow(next *http.Request, before []*http.Request) error {
	switch {
	case len(before) >= redirects:
		return redirectError(fmt.Sprintf("it redirects more than %d times", redirects))
	case next.URL.Scheme != "https" && next.URL.Scheme != before[0].URL.Scheme:
		return redirectError(fmt.Sprintf("it redirects from %s to %s", before[0].URL.Scheme, next.URL.Scheme))
	}
	return nil
}

// proxyError is what a proxy answers instead of connecting.
type proxyError int

func (e proxyError) Error() string {
	return fmt.Sprintf("the proxy answers %d %s", int(e), http.StatusText(int(e)))
}

type redirectError string

func (e redirectError) Error() string { return string(e) }

// errSilent is why a request ends when the server sends nothing.
var errSilent = errors.New("nothing came any more")

// get asks for a file. The error is a *sourceError, or that of ctx.
func (w web) get(ctx context.Context, address *url.URL) (*body, error) {
	b := &body{ctx: ctx, address: address.Redacted(), wait: w.patience, left: w.patience, most: narinfo.Most + 1}
	if address.Scheme == "file" {
		return b, b.open(address.Path)
	}
	own, stop := context.WithCancelCause(ctx)
	b.own, b.stop = own, stop
	b.timer = time.AfterFunc(w.patience, func() { stop(errSilent) })
	req, err := http.NewRequestWithContext(own, http.MethodGet, address.String(), nil)
	if err != nil {
		_ = b.Close()
		return nil, b.fault(refused, err)
	}
	req.Header.Set("User-Agent", "piwiz")
	resp, err := w.client.Do(req)
	if err != nil {
		err = b.wrong(err)
		_ = b.Close()
		return nil, err
	}
	b.closer, b.in, b.Length = resp.Body, bufio.NewReader(resp.Body), resp.ContentLength
	err = b.status(resp)
	b.timer.Stop() // until more is wanted
	if err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// status judges what the server answered.
func (b *body) status(resp *http.Response) error {
	said := fmt.Errorf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)) // what the server calls it is the server's
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		head, _ := b.in.Peek(512) // an error is met again by Read
		if kind := http.DetectContentType(head); strings.HasPrefix(kind, "text/html") {
			return b.fault(portal, errors.New("a web page came"))
		}
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return b.fault(missing, said)
	case code == http.StatusNetworkAuthenticationRequired:
		return b.fault(portal, said)
	case code == http.StatusProxyAuthRequired:
		return b.fault(proxy, said)
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return b.fault(busy, said)
	}
	return b.fault(refused, said)
}

// body is a file that comes.
type body struct {
	Length int64 // as the server says; below 0 when it does not

	address  string // without a password
	ctx, own context.Context
	stop     context.CancelCauseFunc
	timer    *time.Timer
	wait     time.Duration
	in       *bufio.Reader
	closer   io.Closer

	n, told int64         // bytes that came, and came when there was patience anew
	left    time.Duration // of the patience
	most    int64         // bytes
	report  func(int64)
	failed  error // of the source
}

func (b *body) open(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // a pipe would never end
		err = errors.New("it is no file")
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return b.fault(missing, err)
	case err != nil:
		return b.fault(refused, err)
	}
	b.closer, b.in, b.Length = f, bufio.NewReader(f), info.Size()
	return nil
}

// Read is an io.Reader that notices when nothing comes, and when too much does.
func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.wakeful(p)
	b.n += int64(n)
	if b.report != nil && n > 0 {
		b.report(b.n)
	}
	switch {
	case b.n > b.most:
		b.failed = b.fault(damaged, fmt.Errorf("it has more than %d bytes", b.most))
		return 0, b.failed
	case err != nil && !errors.Is(err, io.EOF):
		b.failed = b.wrong(err)
		return n, b.failed
	}
	return n, err
}

// wakeful reads, and ends the request when the server sends nothing. Only the
// time spent waiting for it counts: a disk may be slow.
func (b *body) wakeful(p []byte) (int, error) {
	if b.timer == nil {
		return b.in.Read(p)
	}
	began := time.Now()
	b.timer.Reset(b.left)
	n, err := b.in.Read(p)
	b.timer.Stop()
	if b.left -= time.Since(began); b.n+int64(n)-b.told >= slowest {
		b.told, b.left = b.n+int64(n), b.wait
	}
	return n, err
}

// Close ends the request.
func (b *body) Close() error {
	if b.timer != nil {
		b.timer.Stop()
		b.stop(nil)
	}
	if b.closer != nil {
		return b.closer.Close()
	}
	return nil
}
