package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"piwiz/flash/disk"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// planText is what a build will cost, in a line; "" when there is nothing to do.
func planText(p builder.Plan) string {
	var parts []string
	if n := len(p.Builds); n > 0 {
		parts = append(parts, count(n, "step")+" to build")
	}
	if p.Fetches > 0 {
		parts = append(parts, count(p.Fetches, "package")+" to download, "+disk.Human(p.Download))
	} else if len(parts) > 0 {
		parts = append(parts, "nothing comes from a cache")
	}
	if len(parts) > 0 && p.Takes > 0 {
		parts = append(parts, "about "+clock(p.Takes)+" by earlier builds here")
	}
	return strings.Join(parts, style.Between)
}

// drawWarning asks before hours of work begin.
func drawWarning(p builder.Plan, width int) string {
	lines := p.Warning()
	var text strings.Builder
	text.WriteString(style.Danger.Render(wrap(lines[0], width)) + "\n")
	for _, l := range lines[1:] {
		text.WriteString("\n" + wrap(l, width))
	}
	if what := planText(p); what != "" {
		text.WriteString("\n\n" + wrap("In all: "+what+".", width))
	}
	return text.String()
}

// drawProgress draws how far a build is: four lines that stay where they are.
func drawProgress(g follow.Progress, elapsed time.Duration, width int) string {
	share := fmt.Sprintf(" %3.0f %%", 100*g.Share)
	if g.Left > 0 {
		share += ", about " + clock(g.Left) + " left"
	}
	now := strings.Join(append(running(g), g.Waits...), style.Between)
	if now != "" {
		now = "now: " + now
	}
	fit := func(text string) string { return style.Dim.Render(ansi.Truncate(clean.Line(text), width, style.Dots)) }
	return bar(g.Share, min(60, width-30)) + share + "\n" + style.Text.Render(ansi.Truncate(clean.Line(doing(g, elapsed)), width, style.Dots)) + "\n" + fit(totals(g)) + "\n" + fit(now) + "\n"
}

// doing is what Nix is at, and for how long: a silent minute has a name.
func doing(g follow.Progress, elapsed time.Duration) string {
	stage := g.Stage
	if stage == "" {
		stage = "starting Nix"
	}
	if !g.Since.IsZero() {
		stage += " for " + clock(since(g.Since))
	}
	return stage + style.Between + clock(elapsed) + " in all"
}

func totals(g follow.Progress) string {
	var parts []string
	if g.Expected > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d steps built", g.Done, g.Expected))
	}
	if g.BytesExpected > 0 {
		part := fmt.Sprintf("%s of %s downloaded", disk.Human(g.BytesDone), disk.Human(g.BytesExpected))
		if g.Rate > 0 && g.BytesDone < g.BytesExpected {
			part += fmt.Sprintf(", %s/s", disk.Human(int64(g.Rate)))
		}
		parts = append(parts, part)
	}
	if g.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", g.Failed))
	}
	return strings.Join(parts, style.Between)
}

func running(g follow.Progress) []string {
	var now []string
	for _, r := range g.Now {
		text := r.Name + " " + clock(since(r.Since))
		if r.Phase != "" {
			text += " (" + r.Phase + ")"
		}
		now = append(now, text)
	}
	return now
}
