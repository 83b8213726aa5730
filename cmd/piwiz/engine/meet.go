package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/osrelease"
)

func want(s hostfile.Saved) firstboot.Want {
	return firstboot.Want{Name: s.Host.Name, HostKey: s.Identity.PublicLine(), Port: 22, User: s.Host.User}
}

// Wait waits until the host answers with its own key. The end of ctx is the one
// error, as firstboot.Wait tells it.
func (e *Engine) Wait(ctx context.Context, s hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error) {
	return firstboot.Wait(ctx, want(s), report)
}

// Login remembers the key of a host that was found, and finds the command that
// logs in as this user's ssh is set up.
func (e *Engine) Login(ctx context.Context, s hostfile.Saved, found firstboot.Result) (sshlogin.Way, error) {
	return firstboot.Login(ctx, want(s), found, firstboot.User{
		Files: e.keyFiles(ctx, s.Host), System: osrelease.Read("/").Is,
	})
}

// Answers names the addresses that answer as NAME.local now, or nothing.
func (e *Engine) Answers(ctx context.Context, name string) []string {
	addrs, err := firstboot.Answers(ctx, name, 300*time.Millisecond)
	if err != nil {
		return nil // no network here says nothing about the name
	}
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// keyFiles are the files here of keys that a host lets in, those with their
// private half first.
func (e *Engine) keyFiles(ctx context.Context, h nixgen.Host) []string {
	here, _ := e.Keys(ctx, h) // a file that cannot be read is no file to name
	var whole, half []string
	for _, k := range here {
		switch {
		case !slices.ContainsFunc(h.Keys, func(line string) bool { return sameKey(line, k.Line) }):
		case k.File != "":
			whole = append(whole, k.File)
		case strings.HasSuffix(k.Source, ".pub"):
			half = append(half, k.Source)
		}
	}
	return append(whole, half...)
}

// sameKey compares lines of authorized_keys without their comments.
func sameKey(a, b string) bool {
	f, g := strings.Fields(a), strings.Fields(b)
	return len(f) > 1 && len(g) > 1 && f[0] == g[0] && f[1] == g[1]
}
