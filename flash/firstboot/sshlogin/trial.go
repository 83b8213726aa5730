package sshlogin

import (
	"bufio"
	"context"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"piwiz/flash/crash"
	"piwiz/flash/firstboot/sshconfig"
)

// trial is what one run of ssh showed. The words are those of OpenSSH 8.5 to
// 10.0 with -v; a word that is not known is an unknown failure, never a success.
type trial struct {
	in       bool       // the server takes one of the keys that ssh offered
	to       netip.Addr // where ssh connected, if it said so
	port     int
	key      string // fingerprint that the server showed, "SHA256:..."
	settings bool   // the settings are refused
	unknown  bool   // ssh does not know the host key
	revoked  bool   // ssh was told never to trust the host key
	algo     bool   // ssh would not take a key of this kind
	denied   bool   // no key that was offered is taken
	tooMany  bool   // and more than the server wants to see were offered
	hung     bool   // it had to be ended
	agreed   bool   // the keys of the connection are agreed on; then the agent is asked
	last     string // the last thing ssh said that is not for debugging
}

// quiet makes a run of ssh change nothing and ask nothing. The first value of
// an option counts, so these win over what follows and over the settings.
// Nothing is run on the host: ssh is ended when the server takes a key.
var quiet = []string{
	"-v", "-N", "-T", "-S", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no",
	"-o", "ControlMaster=no", "-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=10", "-o", "ConnectionAttempts=1",
}

const (
	tryLimit  = 30 * time.Second // a name that nobody answers costs 5 s, an address that does not answer 10 s
	slowLimit = 10 * time.Second // for settings that were slow before
)

// try runs ssh with args until it is in or has given up, or the limit is over.
func try(ctx context.Context, limit time.Duration, args []string) (trial, error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := sshconfig.Command(ctx, append(append([]string{}, quiet...), args...)...)
	said, err := cmd.StderrPipe()
	if err != nil {
		return trial{}, err
	}
	if err := cmd.Start(); err != nil {
		return trial{}, err
	}
	var t trial
	err = crash.Try(func() error { t.read(said); return nil })
	t.hung = ctx.Err() != nil && !t.in
	stop() // it may sit there for good
	_ = cmd.Wait()
	return t, err
}

var (
	connecting = regexp.MustCompile(`^debug1: Connecting to .* \[(.*)\] port (\d+)\.$`)
	showed     = regexp.MustCompile(`^debug1: Server host key: \S+ (SHA256:\S+)`)
)

// read follows what ssh says, until it is in.
func (t *trial) read(said io.Reader) {
	lines := bufio.NewScanner(io.LimitReader(said, 1<<20))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if m := connecting.FindStringSubmatch(line); m != nil {
			t.to, _ = netip.ParseAddr(m[1])
			t.port, _ = strconv.Atoi(m[2])
		}
		if m := showed.FindStringSubmatch(line); m != nil {
			t.key = m[1]
		}
		t.agreed = t.agreed || line == "debug1: SSH2_MSG_NEWKEYS received"
		switch {
		case strings.HasPrefix(line, "debug1: Server accepts key:"), strings.HasPrefix(line, "Authenticated to "):
			t.in = true
			return
		case strings.Contains(line, "bad configuration option"), strings.Contains(line, "Bad owner or permissions on"), strings.HasPrefix(line, "command-line line"):
			t.settings = true
		case strings.Contains(line, "REVOKED HOST KEY"), strings.Contains(line, "revoked by file"):
			t.revoked = true
		case strings.Contains(line, "Host key verification failed"):
			t.unknown = true
		case strings.Contains(line, "no matching host key type found"):
			t.algo = true
		case strings.Contains(line, "Too many authentication failures"):
			t.tooMany, t.denied = true, true
		case strings.Contains(line, "Permission denied ("):
			t.denied = true
		}
		if line != "" && !strings.HasPrefix(line, "debug1:") && !strings.HasPrefix(line, "OpenSSH_") && !strings.HasPrefix(line, "@") {
			t.last = line
		}
	}
}
