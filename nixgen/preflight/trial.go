package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/build/diagnose"
	"piwiz/nixgen/nix"
)

// trialLimit is how long a build of one system call may take. A tenth of a
// second is usual.
const trialLimit = 20 * time.Second

// Trial builds something for the Pi through this user's Nix: the proof that
// all the other checks only point to.
func (c Computer) Trial(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "piwiz-trial-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the test build: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "builder")
	if err := os.WriteFile(file, trialBuilder(), 0o700); err != nil {
		return "", fmt.Errorf("write the test build: %w", err)
	}
	began := time.Now()
	// The time makes each trial a new one: Nix builds nothing twice.
	// Nobody has built it before, so no cache is asked.
	expr := fmt.Sprintf(`derivation {
  name = "piwiz-check"; system = %q; args = [ (placeholder "out") ]; began = "%d";
  builder = builtins.path { name = "piwiz-check-builder"; path = /. + %s; };
  preferLocalBuild = true; allowSubstitutes = false;
}`, pi, began.UnixNano(), strconv.Quote(file))
	ctx, stop := context.WithTimeout(ctx, trialLimit)
	defer stop()
	seen := diagnose.Seen{Logs: map[string][]string{}}
	_, err = nix.Run(ctx, nix.Command{Args: []string{
		"--extra-experimental-features", "nix-command", "build", "--impure", "--no-link", "--expr", expr,
		"--option", "extra-platforms", pi, "--log-format", "internal-json",
	}}, func(e nix.Event) { note(&seen, e) })
	switch {
	case err == nil:
		return fmt.Sprintf("A test build for the Pi's processor worked (%.1f s).", time.Since(began).Seconds()), nil
	case errors.Is(err, context.DeadlineExceeded):
		return "", &Problem{
			Headline: fmt.Sprintf("A test build for the Pi's processor took more than %s.", trialLimit),
			Why:      "It is one step that usually takes a tenth of a second. Something is in the way: another build, a slow disk, a remote builder that does not answer.",
			Todo:     []string{"See what Nix is doing: ps -ef | grep nix", "Then check again."}, Err: err,
		}
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	return "", c.failedTrial(ctx, seen, err)
}

// note keeps what Nix said. There is only one build: its log is all the log.
func note(seen *diagnose.Seen, e nix.Event) {
	switch {
	case e.Action == nix.Start && e.Activity == nix.Build:
		seen.Last = e.TextAt(0)
	case e.Action == nix.Result && e.Kind == nix.LogLine:
		seen.Logs[seen.Last] = append(seen.Logs[seen.Last], e.TextAt(0))
	case e.Action == nix.Msg, e.Action == nix.Plain:
		seen.Note(e)
	}
}

func (c Computer) failedTrial(ctx context.Context, seen diagnose.Seen, err error) *Problem {
	d := diagnose.Of(seen)
	if d.Name == "not-trusted" {
		if set, no := settingsOf(ctx, true); no == nil && slices.Contains(set.ExtraPlatforms.Value, pi) {
			return (&Problem{
				Headline: "The service of Nix (nix-daemon) has not read its new settings yet: it must begin anew.",
				Why:      "They allow to build for the Pi's processor, but a test build was refused.", Err: err,
			}).with(c.restart())
		}
	}
	p := &Problem{Headline: "A test build for the Pi's processor failed. " + d.Headline, Why: d.Why, Err: err}
	if d.Name == "" && len(d.LogTail) > 0 {
		p.Why = strings.TrimSpace(p.Why + "\n" + strings.Join(d.LogTail, "\n"))
	}
	// Here is where these lead to.
	p.Todo = slices.DeleteFunc(d.Do, func(do string) bool { return strings.Contains(do, "piwiz check") })
	return p
}

// trialBuilder makes the folder named by its first argument and exits with 0 if
// that worked.
func trialBuilder() []byte {
	return aarch64.Program(
		0xf9400be1, // ldr x1, [sp, #16]   the first argument
		0x92800c60, // mov x0, #-100       from the present folder
		0xd2803da2, // mov x2, #0755
		0xd2800448, // mov x8, #34         mkdirat
		0xd4000001, // svc #0
		0xd2800ba8, // mov x8, #93         exit
		0xd4000001, // svc #0
	)
}
