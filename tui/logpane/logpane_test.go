package logpane

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

func filled(n int) *Pane {
	p := New()
	for i := range n {
		p.Append(Line{Text: fmt.Sprintf("line %d.", i), Err: i%100 == 7})
	}
	p.View(40, 11)
	return p
}

func press(p *Pane, keys ...tea.KeyMsg) (handled bool) {
	for _, k := range keys {
		handled = p.Update(k)
	}
	return handled
}

func letters(s string) (out []tea.KeyMsg) {
	for _, r := range s {
		typ := tea.KeyRunes
		if r == ' ' {
			typ = tea.KeySpace
		}
		out = append(out, tea.KeyMsg{Type: typ, Runes: []rune{r}})
	}
	return out
}

func special(t tea.KeyType) tea.KeyMsg { return tea.KeyMsg{Type: t} }

// want checks the first and the last log line on the screen.
func want(t *testing.T, p *Pane, first, last string) {
	t.Helper()
	lines := strings.Split(ansi.Strip(p.View(40, 11)), "\n")
	if len(lines) != 11 || strings.TrimPrefix(lines[0], "× ") != first || strings.TrimPrefix(lines[9], "× ") != last {
		t.Errorf("screen from %q to %q, want %q to %q", lines[0], lines[9], first, last)
	}
}

func TestFollowsUntilScrolledAndAgainAtTheEnd(t *testing.T) {
	p := filled(30)
	want(t, p, "line 20.", "line 29.")
	press(p, special(tea.KeyUp))
	p.Append(Line{Text: "more"})
	want(t, p, "line 19.", "line 28.")
	if p.Following() {
		t.Error("follows while scrolled up")
	}
	press(p, special(tea.KeyDown), special(tea.KeyDown))
	p.Append(Line{Text: "even more"})
	want(t, p, "line 22.", "even more")
	press(p, letters(" ")...)
	p.Append(Line{Text: "later"})
	want(t, p, "line 22.", "even more")
	press(p, special(tea.KeyEnd))
	want(t, p, "line 23.", "later")
	press(p, special(tea.KeyHome), special(tea.KeyPgDown))
	want(t, p, "line 10.", "line 19.")
}

func TestForgetsTheOldestEvenWhilePaused(t *testing.T) {
	p := filled(Keep)
	press(p, special(tea.KeyHome))
	want(t, p, "line 0.", "line 9.")
	for i := range 100 {
		p.Append(Line{Text: fmt.Sprint("new ", i)})
	}
	want(t, p, "line 100.", "line 109.")
	if tail := p.Tail(2); len(tail) != 2 || tail[1].Text != "new 99" {
		t.Errorf("tail %v", tail)
	}
}

func TestSearchGoesFromHitToHit(t *testing.T) {
	p := filled(3000)
	press(p, letters("/LINE 77.")...)
	if !p.Searching() || !p.Typing() {
		t.Error("not searching")
	}
	press(p, special(tea.KeyBackspace), special(tea.KeyEnter))
	want(t, p, "line 774.", "line 783.")
	press(p, letters("N")...)
	want(t, p, "line 773.", "line 782.")
	press(p, letters("nn")...) // round the end
	want(t, p, "line 72.", "line 81.")
	if !press(p, special(tea.KeyEsc)) || p.Searching() || press(p, special(tea.KeyEsc)) {
		t.Error("esc ends the search once, then is the page's")
	}
	press(p, letters("/nowhere")...)
	press(p, special(tea.KeyEnter))
	if v := p.View(40, 11); !strings.Contains(v, `no line with "nowhere"`) {
		t.Error(v)
	}
}

func TestSearchInNothing(t *testing.T) {
	p := New()
	press(p, letters("/x")...)
	press(p, special(tea.KeyEnter))
	press(p, letters("nN")...)
	if v := ansi.Strip(p.View(40, 3)); !strings.Contains(v, `no line with "x"`) || lipgloss.Height(v) != 3 {
		t.Errorf("%q", v)
	}
	p.Append(Line{Text: "an x at last"})
	press(p, letters("n")...)
	if v := ansi.Strip(p.View(40, 3)); !strings.Contains(v, "an x at last") || strings.Contains(v, "no line") {
		t.Errorf("%q", v)
	}
}

func TestErrorsAreMarkedAndKeysNotOursAreLeft(t *testing.T) {
	p := New()
	p.Append(Line{Text: "fine"}, Line{Text: "bad", Err: true})
	if v := ansi.Strip(p.View(40, 5)); !strings.Contains(v, "\n× bad\n") {
		t.Errorf("%q", v)
	}
	for _, k := range []tea.KeyMsg{special(tea.KeyEnter), special(tea.KeyEsc), special(tea.KeyCtrlC), letters("n")[0], letters("?")[0]} {
		if press(p, k) {
			t.Errorf("took %v", k)
		}
	}
}

func TestViewKeepsItsSize(t *testing.T) {
	p := filled(50)
	p.Append(Line{Text: strings.Repeat("日本", 80)})
	for _, size := range [][2]int{{40, 10}, {7, 3}, {1, 2}, {200, 60}} {
		v := p.View(size[0], size[1])
		if lipgloss.Height(v) != size[1] || lipgloss.Width(v) > size[0] {
			t.Errorf("%v: %dx%d", size, lipgloss.Width(v), lipgloss.Height(v))
		}
	}
}

func TestAppendFromManyGoroutines(t *testing.T) {
	p := New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				p.Append(Line{Text: "x"})
			}
		})
	}
	for range 100 {
		p.View(80, 24)
		p.Version()
	}
	wg.Wait()
	if p.Version() != 4000 {
		t.Error(p.Version())
	}
}

func Benchmark100000Lines(b *testing.B) {
	for b.Loop() {
		p := New()
		for i := range 100_000 {
			p.Append(Line{Text: "\x1b[32mcopying path\x1b[0m '/nix/store/abcdefghijklmnop-linux-6.12' from 'https://cache.nixos.org'"})
			if i%3000 == 0 { // ten pictures a second of a fast build
				p.View(100, 30)
			}
		}
	}
}

func TestTheLinesOfOneStepAreShownAlone(t *testing.T) {
	p := New()
	for i := range 30 {
		p.Append(Line{Text: fmt.Sprintf("gcc %d", i), Of: "gcc"}, Line{Text: fmt.Sprintf("zlib %d", i), Of: "zlib"}, Line{Text: "nix"})
	}
	p.View(40, 11)
	press(p, letters("d")...)
	want(t, p, "zlib 20", "zlib 29")
	p.Append(Line{Text: "zlib late", Of: "zlib"}, Line{Text: "gcc late", Of: "gcc"})
	want(t, p, "zlib 21", "zlib late")
	press(p, letters("d")...) // the newest is gcc, zlib was shown: nothing older is left
	want(t, p, "zlib 27", "gcc late")
	press(p, letters("d")...)
	want(t, p, "gcc 21", "gcc late")
	press(p, letters("/gcc 3")...)
	press(p, tea.KeyMsg{Type: tea.KeyEnter})
	want(t, p, "gcc 0", "gcc 9")
	press(p, tea.KeyMsg{Type: tea.KeyEsc}, tea.KeyMsg{Type: tea.KeyEsc})
	want(t, p, "zlib 27", "gcc late")
}
