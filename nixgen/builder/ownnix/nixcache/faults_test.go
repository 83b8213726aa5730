package nixcache_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/fault"
)

// serving answers each request in that way.
func serving(t *testing.T, status int, header, body string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// secured is a server whose certificate is valid from then until then, for that
// name, and a client that trusts who signed it.
func secured(t *testing.T, from, until time.Time, name string) (url string, client *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "\x1b[2Jtest"}, NotBefore: from, NotAfter: until, DNSNames: []string{name},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(name); ip != nil {
		c.DNSNames, c.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return web.URL, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

func failingDial(err error) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}}
}

// Each way that a source fails has its sentence, and what to do about that way.
func TestEachFailureSaysWhatToDo(t *testing.T) {
	c, root, _ := graph(t, "xz")
	now := time.Now()
	day := 24 * time.Hour
	expired, trusting := secured(t, now.Add(-9*day), now.Add(-day), "127.0.0.1")
	early, trustingEarly := secured(t, now.Add(day), now.Add(9*day), "127.0.0.1")
	unknown, _ := secured(t, now.Add(-day), now.Add(day), "127.0.0.1")
	elsewhere, trustingElse := secured(t, now.Add(-day), now.Add(day), "cache.example")
	dead := httptest.NewServer(nil)
	dead.Close()
	noTLS := strings.Replace(serving(t, 200, "", "hello"), "http:", "https:", 1)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	noDNS := failingDial(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "cache.example", IsNotFound: true}})
	for what, a := range map[string]struct {
		url       string
		client    *http.Client
		says, do  string
		forgotten string // must not be there
	}{
		"404":                  {url: serving(t, 404, "", ""), says: "127.0.0.1 does not have nix-2.99.", do: "--cache https://cache.nixos.org"},
		"410":                  {url: serving(t, 410, "", ""), says: "does not have nix-2.99.", do: "--cache"},
		"403":                  {url: serving(t, 403, "", ""), says: "refuses to send nix-2.99.", do: "curl -I"},
		"500":                  {url: serving(t, 500, "", ""), says: "is not working at the moment.", do: "Try again."},
		"429":                  {url: serving(t, 429, "Retry-After: 9999", ""), says: "is not working at the moment.", do: "Try again."},
		"407":                  {url: serving(t, 407, "", ""), says: "The proxy does not let piwiz through", do: "env | grep -i _proxy"},
		"511":                  {url: serving(t, 511, "", "<html>"), says: "The network answers instead of 127.0.0.1, with a web page.", do: "browser"},
		"a login page":         {url: serving(t, 200, "", "<!DOCTYPE html><title>Welcome to Hotel</title>"), says: "The network answers instead of 127.0.0.1", do: "log in"},
		"a login page, odd":    {url: serving(t, 200, "Content-Type: text/plain", "\n\n  <html><script>"), says: "The network answers instead", do: "log in"},
		"no text":              {url: serving(t, 200, "", "\x00\x01\x1b[2J"), says: "What 127.0.0.1 sent as nix-2.99 is not what was signed.", do: "Nothing of it was kept."},
		"nothing":              {url: serving(t, 200, "", ""), says: "is not what was signed.", do: "Nothing of it was kept."},
		"a server that is off": {url: dead.URL, says: "This computer cannot reach 127.0.0.1.", do: "Connect it to the internet"},
		"no name":              {url: "http://cache.example", client: noDNS, says: "This computer cannot reach cache.example.", do: "Connect it to the internet"},
		"no network":           {url: "https://cache.example", client: failingDial(&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}), says: "cannot reach cache.example.", do: "Connect it to the internet"},
		"silence":              {url: silent.URL, says: "127.0.0.1 sent almost nothing for 300ms.", do: "Try again."},
		"an old certificate":   {url: expired, client: trusting, says: "The certificate of 127.0.0.1 is not valid at the time of this computer, " + now.Format("2 January 2006"), do: "sudo timedatectl set-ntp true"},
		"a clock that is late": {url: early, client: trustingEarly, says: "not valid at the time of this computer", do: "sudo timedatectl set-ntp true"},
		"an unknown authority": {url: unknown, says: "is not one that this computer trusts.", do: "SSL_CERT_FILE"},
		"another name":         {url: elsewhere, client: trustingElse, says: "is not one that this computer trusts.", do: "browser"},
		"no TLS":               {url: noTLS, says: "is not one that this computer trusts.", do: "browser"},
		"no folder":            {url: "file:///no/where", says: "/no/where does not have nix-2.99.", do: "--cache"},
		"a file for a folder":  {url: "file://" + os.Args[0], says: os.Args[0] + " cannot be read.", do: "is a file, not a folder"},
		"a proxy that is off":  {url: "http://cache.example", client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(mustParse(t, dead.URL))}}, says: "The proxy does not let piwiz through to cache.example.", do: "_proxy"},
	} {
		t.Run(what, func(t *testing.T) {
			one := cache(c, a.url)
			one.Client = a.client
			err := refused(t, one, root, root)
			told, ok := errors.AsType[*fault.Error](err)
			if !ok || !strings.Contains(told.Headline, a.says) || !strings.Contains(strings.Join(told.Hints(), "\n"), a.do) || strings.Contains(told.Error(), "\x1b") {
				t.Errorf("%q\n%q", err, told.Hints())
			}
			if !strings.Contains(told.Why, strings.TrimPrefix(a.url, "file://")) {
				t.Errorf("which one? %s", told.Why)
			}
		})
	}
}

// What the person must know is told before what may pass by itself.
func TestOfSeveralSourcesTheWorstIsToldAndAllAreNamed(t *testing.T) {
	c, root, _ := graph(t, "xz")
	c.Write(t, root, strings.ReplaceAll(c.Narinfo(t, root), "Sig: ", "Sig: x"))
	busy, none := serving(t, 503, "", ""), serving(t, 404, "", "")
	err := refused(t, cache(c, busy, none, c.URL(), busy), root, root)
	if err == nil || !strings.HasPrefix(err.Error(), "What "+c.Dir+" says of nix-2.99 is not signed by a key that piwiz trusts.") ||
		!strings.Contains(err.Error(), busy) || !strings.Contains(err.Error(), none) || !strings.Contains(err.Error(), c.Dir) {
		t.Error(err)
	}
}

func TestAFullOrReadOnlyDiskIsNotTheCachesFault(t *testing.T) {
	c, root, _ := graph(t, "xz")
	infos, err := cache(c).Closure(t.Context(), []string{root})
	if err != nil {
		t.Fatal(err)
	}
	gone := t.TempDir() + "/gone"
	err = cache(c).Fetch(t.Context(), gone, infos, nil)
	told, ok := errors.AsType[*fault.Error](err)
	if !ok || !told.Lacks || !strings.Contains(told.Headline, "cannot be written to "+gone) || len(told.Hints()) == 0 {
		t.Errorf("%v", err)
	}
}

// The environment is read once by net/http, so a process of its own must ask.
func TestProxiesAreThoseOfTheEnvironment(t *testing.T) {
	c, root, _ := graph(t, "xz")
	if os.Getenv("PIWIZ_TEST_PROXY") != "" {
		key, err := narinfo.ParseKey(os.Getenv("PIWIZ_TEST_KEY"))
		if err != nil {
			t.Fatal(err)
		}
		one := nixcache.Cache{URLs: []string{os.Getenv("PIWIZ_TEST_PROXY")}, Keys: []narinfo.Key{key}, Patience: patience}
		_, err = fetchAll(t.Context(), one, store(t), nil, os.Getenv("PIWIZ_TEST_ROOT"))
		if says := os.Getenv("PIWIZ_TEST_SAYS"); says == "" && err != nil || says != "" && (err == nil || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "\x1b")) {
			t.Fatal(err)
		}
		return
	}
	key := c.Key.String()
	files := http.FileServer(http.Dir(c.Dir))
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "cache.example" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer refusing.Close()
	go func() {
		for {
			conn, err := refusing.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = conn.Write([]byte("HTTP/1.1 407 \x1b[2Jlog in\r\nContent-Length: 0\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	for _, c := range [][]string{
		{"PIWIZ_TEST_PROXY=http://cache.example", "http_proxy=" + proxy.URL},
		{"PIWIZ_TEST_PROXY=https://cache.example", "https_proxy=" + refusing.Addr().String(), "PIWIZ_TEST_SAYS=The proxy does not let piwiz through to cache.example."},
	} {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(append(os.Environ(), "no_proxy=", "PIWIZ_TEST_ROOT="+root, "PIWIZ_TEST_KEY="+key), c...)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestAFileIsVerifiedByItsHash(t *testing.T) {
	c := cachetest.New(t, "k")
	if err := os.WriteFile(c.Dir+"/file", []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // sha256sum
	web := httptest.NewServer(http.FileServer(http.Dir(c.Dir)))
	defer web.Close()
	for what, f := range map[string]struct {
		nixcache.File
		ok bool
	}{
		"a file":          {nixcache.File{URL: c.URL() + "/file", SHA256: sum, Most: 100}, true},
		"http":            {nixcache.File{URL: web.URL + "/file", SHA256: sum, Most: 7}, true},
		"another hash":    {nixcache.File{URL: web.URL + "/file", SHA256: strings.Repeat("0", 64), Most: 100}, false},
		"no hash":         {nixcache.File{URL: web.URL + "/file", Most: 100}, false},
		"too large":       {nixcache.File{URL: web.URL + "/file", SHA256: sum, Most: 6}, false},
		"not there":       {nixcache.File{URL: web.URL + "/none", SHA256: sum, Most: 100}, false},
		"a login page":    {nixcache.File{URL: serving(t, 200, "", "<html>"), SHA256: sum, Most: 100}, false},
		"cut short":       {nixcache.File{URL: serving(t, 200, "Content-Length: 7", "con"), SHA256: sum, Most: 100, Patience: patience}, false},
		"no real address": {nixcache.File{URL: "ftp://x/file", SHA256: sum, Most: 100}, false},
	} {
		dir := t.TempDir()
		var last meter.Progress
		err := f.Fetch(t.Context(), dir+"/to", func(p meter.Progress) { last = p })
		got, _ := os.ReadFile(dir + "/to")
		if (err == nil) != f.ok || f.ok != (string(got) == "content") || !f.ok && len(names(t, dir)) > 0 {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		if f.ok && last != (meter.Progress{Parts: 1, AllParts: 1, Bytes: 7, AllBytes: 7}) {
			t.Errorf("%s: %+v", what, last)
		}
	}
	if b, err := nixcache.Read(t.Context(), web.URL+"/file", 7); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := nixcache.Read(t.Context(), web.URL+"/file", 6); err == nil {
		t.Errorf("%q", b)
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
