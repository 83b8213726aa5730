package form

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/cursor"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

// press types keys: names in <>, anything else letter by letter.
func press(t *testing.T, f *Form, keys ...string) {
	t.Helper()
	types := map[string]tea.KeyType{
		"<enter>": tea.KeyEnter, "<up>": tea.KeyUp, "<down>": tea.KeyDown, "<tab>": tea.KeyTab, "<back>": tea.KeyShiftTab,
		"<esc>": tea.KeyEsc, "<bs>": tea.KeyBackspace, "<end>": tea.KeyEnd, "<home>": tea.KeyHome, "<pgdown>": tea.KeyPgDown,
	}
	for _, k := range keys {
		if typ, ok := types[k]; ok {
			f.Update(tea.KeyMsg{Type: typ})
			continue
		}
		for _, r := range k {
			msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
			if r == ' ' {
				msg.Type = tea.KeySpace
			}
			f.Update(msg)
		}
	}
}

func start(t *testing.T, w, h int, fields ...Field) *Form {
	t.Helper()
	f := New(w, h, fields...)
	f.Init()
	return f
}

func options(n int) (out []Option) {
	for i := range n {
		out = append(out, Option{Label: fmt.Sprintf("option %02d", i), Value: fmt.Sprint(i), Note: "note"})
	}
	return out
}

func short(s string) string {
	if len(s) < 3 {
		return "at least 3 letters"
	}
	return ""
}

func TestTextIsStoredWhileTyping(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "of the computer", &name, short))
	if strings.Contains(f.View(), "at least") {
		t.Error("complains before anything was typed")
	}
	press(t, f, "ba")
	if name != "ba" || !strings.Contains(f.View(), "at least 3 letters") {
		t.Errorf("name %q, no complaint while typing in\n%s", name, f.View())
	}
	press(t, f, "<enter>")
	if f.Done() {
		t.Error("left with a complaint")
	}
	press(t, f, "ch")
	if strings.Contains(f.View(), "at least") {
		t.Error("still complains")
	}
	press(t, f, "<enter>")
	if !f.Done() || name != "bach" {
		t.Errorf("done %v, name %q", f.Done(), name)
	}
}

func TestEmptyTextComplainsOnlyWhenLeft(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "", &name, short))
	press(t, f, "<enter>")
	if f.Done() || !strings.Contains(f.View(), "at least") {
		t.Errorf("no complaint in\n%s", f.View())
	}
}

func TestFieldsInOrderAndBack(t *testing.T) {
	var name, word, board string
	many := []string{"7", "gone"}
	f := start(t, 60, 30,
		Text("Name", "", &name, nil), Password("Word", "", &word, nil),
		Choice("Board", &board, options(3)), Many("Keys", &many, nil, options(9)))
	press(t, f, "bach", "<enter>", "se cret", "<enter>", "<down>", "<enter>")
	if name != "bach" || word != "se cret" || board != "1" || f.Focused() != 3 {
		t.Fatalf("%q %q %q field %d", name, word, board, f.Focused())
	}
	if strings.Contains(f.View(), "cret") {
		t.Error("the password is on the screen")
	}
	press(t, f, "<down>", " ", "<back>", "<up>", "<tab>", "<enter>")
	if !f.Done() || fmt.Sprint(many) != "[1 7]" || board != "0" {
		t.Errorf("done %v, many %v, board %q", f.Done(), many, board)
	}
	f.Rebuild()
	f.Init()
	if v := f.View(); f.Done() || !strings.Contains(v, "bach") || f.Focused() != 0 {
		t.Errorf("after going back:\n%s", v)
	}
}

func TestFirstPaintShowsOptionsAboveTheChosenOne(t *testing.T) {
	board := "2"
	f := start(t, 60, 10, Choice("Board", &board, options(3)))
	if v := f.View(); !strings.Contains(v, "option 00") || !strings.Contains(v, "► option 02") {
		t.Errorf("first paint:\n%s", v)
	}
}

func TestLongListScrollsWithTheCursor(t *testing.T) {
	zone := "40"
	f := start(t, 60, 10, Choice("Zone", &zone, options(60)))
	for _, keys := range [][]string{{}, {"<up>"}, {"<home>"}, {"<pgdown>"}, {"<end>"}, {"<down>"}, {"<up>", "<up>"}} {
		press(t, f, keys...)
		v := f.View()
		if !strings.Contains(v, "► option "+fmt.Sprintf("%02s", zone)) || lipgloss.Height(v) > 10 {
			t.Errorf("after %v (%s, %d lines):\n%s", keys, zone, lipgloss.Height(v), v)
		}
	}
}

func TestFilterOfAList(t *testing.T) {
	zone := "0"
	f := start(t, 60, 10, Choice("Zone", &zone, options(60)))
	press(t, f, "/", "n 5", "<down>")
	if zone != "51" || !f.Filtering() || !f.Typing() || strings.Contains(f.View(), "option 01") {
		t.Errorf("zone %q\n%s", zone, f.View())
	}
	press(t, f, "zz", "<enter>")
	if f.Done() || !strings.Contains(f.View(), "Nothing matches") {
		t.Errorf("an empty list was answered\n%s", f.View())
	}
	press(t, f, "<bs>", "<bs>", "<down>", "<down>", "<esc>")
	if zone != "52" || f.Filtering() || !strings.Contains(f.View(), "► option 52") {
		t.Errorf("after esc, zone %q\n%s", zone, f.View())
	}
	press(t, f, "<enter>")
	if !f.Done() {
		t.Error("not done")
	}
}

func TestNeverTallerOrWiderAndGrowsBack(t *testing.T) {
	var name, board string
	f := start(t, 60, 40, Text("Name", strings.Repeat("long hint ", 12), &name, short), Choice("Board", &board, options(20)))
	press(t, f, "x")
	full := f.View()
	for _, size := range [][2]int{{60, 40}, {60, 12}, {60, 9}, {30, 9}, {20, 3}, {60, 40}} {
		f.Resize(size[0], size[1])
		v := f.View()
		if h, w := lipgloss.Height(v), lipgloss.Width(v); h > size[1] || w > size[0] {
			t.Errorf("%v: drew %dx%d\n%s", size, w, h, v)
		}
	}
	if f.View() != full {
		t.Errorf("did not grow back:\n%s\n---\n%s", full, f.View())
	}
}

func TestForeignMessagesGetNothing(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "", &name, nil))
	before := f.View()
	for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: 9, Height: 2}, cursor.BlinkMsg{}, "tick", nil} {
		if f.Update(msg); f.View() != before {
			t.Errorf("%T got through", msg)
		}
	}
}

func TestCtrlCAndEscDoNothing(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "", &name, nil))
	f.Update(tea.KeyMsg{Type: tea.KeyCtrlC})
	press(t, f, "<esc>", "a")
	if name != "a" || f.View() == "" {
		t.Error("the form was ended")
	}
}

func TestHelpNamesTheKeysThatWork(t *testing.T) {
	var name string
	var many []string
	f := start(t, 60, 20, Text("Name", "", &name, nil), Many("Keys", &many, nil, options(2)))
	help := func() (s string) {
		for _, b := range f.Help() {
			s += b.Help().Key + " " + b.Help().Desc + "|"
		}
		return s
	}
	if h := help(); h != "enter next field|" {
		t.Error(h)
	}
	press(t, f, "<enter>")
	if h := help(); h != "↑/↓ move|space choose|shift+tab field before|enter continue|" {
		t.Error(h)
	}
}

func TestFindingInAListOfManyDoesNotLeaveIt(t *testing.T) {
	var keys []string
	f := start(t, 60, 10, Many("Keys", &keys, nil, options(60)))
	press(t, f, "/", "n 42", "<enter>", " ")
	if f.Done() || f.Filtering() || fmt.Sprint(keys) != "[42]" || !strings.Contains(f.View(), "► [x] option 42") {
		t.Errorf("done %v, keys %v\n%s", f.Done(), keys, f.View())
	}
}

// The line of the cursor is drawn like any other but for the pointer, and what
// is marked is told by a sign: so it is without colour, and with it.
func TestTheCursorIsNoMark(t *testing.T) {
	lipgloss.SetColorProfile(termenv.ANSI256)
	defer lipgloss.SetColorProfile(termenv.Ascii)
	var keys []string
	at := "1"
	f := start(t, 60, 10, Many("Keys", &keys, &at, options(3)))
	label := func(n int) string {
		_, after, _ := strings.Cut(strings.Split(f.View(), "\n")[n+1], "]")
		return strings.ReplaceAll(after, fmt.Sprintf("%02d", n), "")
	}
	if !strings.Contains(ansi.Strip(f.View()), "► [ ] option 01") || label(1) != label(0) {
		t.Errorf("the cursor is not on what at says, or looks like a mark:\n%q", f.View())
	}
	press(t, f, "<up>", " ", "<down>")
	if v := ansi.Strip(f.View()); !strings.Contains(v, "  [x] option 00") || !strings.Contains(v, "► [ ] option 01") || label(1) == label(0) {
		t.Errorf("one is marked, the cursor on another:\n%q", f.View())
	}
	f.Rebuild()
	f.Init()
	if v := ansi.Strip(f.View()); at != "1" || !strings.Contains(v, "► [ ] option 01") {
		t.Errorf("after Rebuild at %q:\n%s", at, v)
	}
}

func TestAListWithoutOptions(t *testing.T) {
	value, values := "", []string{"old"}
	f := start(t, 60, 10, Many("Keys", &values, nil, nil), Choice("Board", &value, nil))
	press(t, f, "<down>", " ", "/", "<esc>", "<enter>", "<enter>", "<up>", "<end>")
	if f.Done() || len(values) != 0 || !strings.Contains(f.View(), "nothing to choose") {
		t.Errorf("done %v, values %v\n%s", f.Done(), values, f.View())
	}
}

// paste is how a terminal sends pasted text, once with the marks around it
// that it was told to use, once without, as some do.
func paste(f *Form, text string, marked bool) {
	f.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: marked})
}

func TestAPasteIsKeptAsItIsOrRefused(t *testing.T) {
	const long = "0123456789012345678901234567890123456789"
	for _, c := range []struct{ paste, want, says string }{
		{"correct horse", "correct horse", ""},
		{" edge ", " edge ", ""},
		{"line\n", "line", ""},
		{"line\r\n", "line", ""},
		{"line\r", "line", ""},
		{"line\n\r\n\n", "line", ""},
		{"\n", "", ""},
		{"line \n", "line ", ""},
		{"gr\u00fc\u00dfe \U0001f600", "gr\u00fc\u00dfe \U0001f600", ""},
		{"a\u200bb\u00a0", "a\u200bb\u00a0", ""},
		{strings.Repeat(long, 200), strings.Repeat(long, 200), ""},
		{"a\nb", "", "more than one line"},
		{"\na", "", "more than one line"},
		{"a\r\nb\n", "", "more than one line"},
		{"a\u2028b", "", "more than one line"},
		{"a\u0085b", "", "more than one line"},
		{"a\tb", "", "a tab"},
		{"a\t", "", "a tab"},
		{"a\x1b]0;owned\x07", "", "not text"},
		{"a\x00", "", "not text"},
		{"a\u009b31m", "", "not text"},
		{"a\ufffdb", "", "not text"},
	} {
		for _, marked := range []bool{true, false} {
			var name, word string
			f := start(t, 60, 20, Text("Name", "", &name, nil), Password("Word", "", &word, nil))
			paste(f, c.paste, marked)
			if name != c.want || !strings.Contains(f.View(), c.says) {
				t.Errorf("%q became %q, want %q and %q in\n%s", c.paste, name, c.want, c.says, f.View())
			}
			if strings.Contains(f.View(), "\x1b]") {
				t.Errorf("%q is drawn", c.paste)
			}
			press(t, f, "<enter>")
			paste(f, c.paste, marked)
			if word != c.want || !strings.Contains(f.View(), c.says) {
				t.Errorf("password %q became %q, want %q and %q in\n%s", c.paste, word, c.want, c.says, f.View())
			}
			press(t, f, "x")
			if word != c.want+"x" || strings.Contains(f.View(), "Not pasted") {
				t.Errorf("after a key %q in\n%s", word, f.View())
			}
		}
	}
}

func TestAPasteIntoAFilterIsTheSame(t *testing.T) {
	zone := "0"
	f := start(t, 60, 10, Choice("Zone", &zone, options(60)))
	press(t, f, "/")
	paste(f, "\x1b[2Jn 42", true)
	if v := f.View(); !strings.Contains(v, "Not pasted") || strings.Contains(v, "\x1b[2J") {
		t.Errorf("%q", v)
	}
	paste(f, "n 42\n", true)
	if v := f.View(); zone != "42" || strings.Contains(v, "Not pasted") {
		t.Errorf("zone %q\n%s", zone, v)
	}
}

func TestTheClipboardIsLeftToTheTerminal(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "", &name, nil))
	f.Update(tea.KeyMsg{Type: tea.KeyCtrlV})
	if !strings.Contains(f.View(), "ctrl+shift+v") {
		t.Errorf("ctrl+v says nothing:\n%s", f.View())
	}
}

func TestTheNextKeyIsForTheNextField(t *testing.T) {
	var a, b string
	f := start(t, 60, 20, Text("A", "", &a, nil), Text("B", "", &b, nil))
	for _, k := range []tea.KeyMsg{
		{Type: tea.KeyRunes, Runes: []rune("one")},
		{Type: tea.KeyEnter},
		{Type: tea.KeyRunes, Runes: []rune("two")},
		{Type: tea.KeyShiftTab},
		{Type: tea.KeyUp}, // there is none before
		{Type: tea.KeyRunes, Runes: []rune("!")},
		{Type: tea.KeyTab},
		{Type: tea.KeyEnter},
	} {
		f.Update(k)
	}
	g := start(t, 60, 20, Text("A", "", &a, nil))
	press(t, g, "<down>", "<tab>", "<up>", "!")
	if g.Done() {
		t.Error("an arrow sent the form in")
	}
	if a != "one!!" || b != "two" || !f.Done() {
		t.Errorf("%q %q, done %v", a, b, f.Done())
	}
}

func TestOfAGroupOneAtMostIsChosen(t *testing.T) {
	var many []string
	o := options(4)
	o[1].Group, o[3].Group = "same", "same"
	f := start(t, 60, 20, Many("Keys", &many, nil, o))
	press(t, f, " ", "<down>", " ", "<down>", " ", "<down>", " ")
	if fmt.Sprint(many) != "[0 2 3]" {
		t.Errorf("chosen %v", many)
	}
	press(t, f, " ")
	if fmt.Sprint(many) != "[0 2]" {
		t.Errorf("chosen %v", many)
	}
}
