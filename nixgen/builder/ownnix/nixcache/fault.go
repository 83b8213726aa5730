package nixcache

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/durable"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/shell"
)

// kind is what is wrong with a source. Of several sources the first of these is
// told.
type kind int

const (
	unsigned  kind = iota // not by a key that is trusted
	foreign               // it is about something else
	damaged               // not what was signed, or not in its format
	portal                // the network answers instead
	clock                 // a certificate of another time
	authority             // a certificate by nobody known
	proxy                 // it does not let us through
	refused               // 403 and others
	missing               // 404
	short                 // it ends too early
	busy                  // 503 and others
	silent                // nothing came
	offline               // not there
)

// sourceError is what is wrong with one source.
type sourceError struct {
	kind    kind
	address string
	wait    time.Duration
	err     error
}

func (e *sourceError) Error() string { return e.address + ": " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// passing tells whether the source may answer when it is asked again.
func (e *sourceError) passing() bool { return e.kind >= short }

// everywhere tells whether the source will say the same of anything else.
func (e *sourceError) everywhere() bool { return e.kind >= busy }

func (b *body) fault(k kind, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) && k == damaged {
		k = short
	}
	return &sourceError{k, b.address, b.wait, err}
}

// wrong names the failure of a request.
func (b *body) wrong(err error) error {
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	if errors.Is(context.Cause(b.own), errSilent) {
		return b.fault(silent, errSilent)
	}
	if b.own == nil {
		return b.fault(refused, err)
	}
	var asked *url.Error
	if errors.As(err, &asked) { // it repeats the address, with a password
		err = asked.Err
	}
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	var redirect redirectError
	var refuses proxyError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return b.fault(clock, err)
	case errors.As(err, &verify) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return b.fault(authority, err)
	case errors.As(err, &op) && op.Op == "proxyconnect" || errors.As(err, &refuses):
		return b.fault(proxy, err)
	case errors.As(err, &redirect):
		return b.fault(refused, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return b.fault(short, err)
	}
	return b.fault(offline, err)
}

// otherCache is told where a mirror may help.
const otherCache = "Or use a mirror: --cache https://mirrors.ustc.edu.cn/nix-channels/store"

// again is told where time may help.
const again = "Try again. What is downloaded and verified is kept."

// tell makes of what each source said an error for people.
func tell(path string, failed []*sourceError) error {
	name := filepath.Base(path)
	if storedir.Check(path) == nil {
		name = name[storedir.HashLen+1:]
	}
	worst := failed[0]
	var why []string
	for _, e := range failed {
		if e.kind < worst.kind {
			worst = e
		}
		why = append(why, plain(e.Error()))
	}
	headline, todo := worst.say(name)
	return &fault.Error{Headline: headline, Why: strings.Join(why, "\n"), Todo: todo, Err: worst}
}

// plain is text without what a terminal obeys: some of it is from a server.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// host is who answered, or the folder.
func (e *sourceError) host() string {
	u, err := url.Parse(e.address)
	switch {
	case err != nil:
		return e.address
	case u.Scheme == "file":
		return filepath.Dir(u.Path)
	}
	return u.Hostname()
}

func (e *sourceError) say(name string) (headline string, todo fault.Todo) {
	host := e.host()
	curl := "See what it answers: curl -I " + shell.Quote(e.address)
	switch e.kind {
	case unsigned:
		return fmt.Sprintf("What %s says of %s is not signed by a key that piwiz trusts.", host, name),
			fault.Todo{"Nothing of it was kept. Use another cache: --cache https://cache.nixos.org"}
	case foreign:
		return fmt.Sprintf("%s answers with something other than %s.", host, name),
			fault.Todo{"Nothing of it was kept. Use another cache: --cache https://cache.nixos.org"}
	case damaged:
		return fmt.Sprintf("What %s sent as %s is not what was signed.", host, name),
			fault.Todo{"Nothing of it was kept. Try again. If it is the same then, use another cache: --cache https://cache.nixos.org"}
	case portal:
		return fmt.Sprintf("The network answers instead of %s, with a web page.", host),
			fault.Todo{"Open any page in a browser and log in to the network. Then try again.", curl}
	case clock:
		return fmt.Sprintf("The certificate of %s is not valid at the time of this computer, %s.", host, time.Now().Format("2 January 2006 15:04")),
			fault.Todo{"Is that wrong? Set the clock from the network: sudo timedatectl set-ntp true", "If the clock is right: " + otherCache}
	case authority:
		return fmt.Sprintf("The certificate of %s is not one that this computer trusts.", host),
			fault.Todo{
				"A login page of the network may answer instead. Open any page in a browser, log in, then try again.",
				"Behind a company's proxy, name its certificates: export SSL_CERT_FILE=FILE",
				"A computer without certificates needs them: sudo apt-get install ca-certificates",
			}
	case proxy:
		return "The proxy does not let piwiz through to " + host + ".",
			fault.Todo{"Check its address and its password: env | grep -i _proxy"}
	case refused:
		if do := durable.Remedy(e.err, ""); do != nil {
			return host + " cannot be read.", do
		}
		return fmt.Sprintf("%s refuses to send %s.", host, name), fault.Todo{curl, otherCache}
	case missing:
		return fmt.Sprintf("%s does not have %s.", host, name),
			fault.Todo{"Use a cache that has it: --cache https://cache.nixos.org", "If that is the one: it is too old for this piwiz. Get a newer one."}
	case short:
		return fmt.Sprintf("The download of %s from %s was cut short.", name, host), fault.Todo{again, otherCache}
	case busy:
		return host + " is not working at the moment.", fault.Todo{again, otherCache}
	case silent:
		return fmt.Sprintf("%s sent almost nothing for %s.", host, e.wait), fault.Todo{again, otherCache}
	}
	return "This computer cannot reach " + host + ".",
		fault.Todo{"Connect it to the internet, then try again.", "Behind a proxy, name it: export https_proxy=http://HOST:PORT", curl}
}

// noWriting is a failure on the way into the folder store; nil when err is.
func noWriting(store string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{
		Lacks: true, Headline: "piwiz's own Nix cannot be written to " + store + ".", Why: err.Error(), Err: err,
		Todo: durable.Remedy(err, store),
	}
}
