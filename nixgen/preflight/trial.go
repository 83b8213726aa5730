package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"piwiz/nixgen/aarch64"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/nix"
)

// trialLimit is how long a build of one system call may take. A tenth of a
// second is usual.
const trialLimit = 20 * time.Second

// Trial builds something for the Pi through this user's Nix: the proof that
// all the other checks only point to.
func (c Computer) Trial(ctx context.Context) (string, error) {
	began := time.Now()
	ctx, stop := context.WithTimeout(ctx, trialLimit)
	defer stop()
	seen := diagnose.Seen{Logs: map[string][]string{}}
	err := nix.Trial{
		Name: "piwiz-check", System: aarch64.System, Program: aarch64.MakingFolder(), Args: []string{"--option", "extra-platforms", aarch64.System},
		// The time makes each trial a new one: Nix builds nothing twice.
		// Nobody has built it before, so no cache is asked.
		Attrs: fmt.Sprintf(`args = [ (placeholder "out") ]; began = "%d"; preferLocalBuild = true; allowSubstitutes = false;`, began.UnixNano()),
	}.Build(ctx, func(e nix.Event) { note(&seen, e) })
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
		if set, no := settingsOf(ctx, true); no == nil && slices.Contains(set.ExtraPlatforms, aarch64.System) {
			return (&Problem{
				Headline: "The Nix service (nix-daemon) has not read its new settings yet: it must be restarted.",
				Why:      "They allow building for the Pi's processor, but a test build was refused.", Err: err,
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
