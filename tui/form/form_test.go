package form

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/bubbles/cursor"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
)

// drive sends a message and runs the commands that follow, the way the
// program would; a cursor's blink, which waits, is not waited for.
func drive(t *testing.T, f *Form, msg tea.Msg) {
	t.Helper()
	run(t, f, f.Update(msg))
}

func run(t *testing.T, f *Form, cmd tea.Cmd) {
	t.Helper()
	if cmd == nil {
		return
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	select {
	case msg := <-got:
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, c := range batch {
				run(t, f, c)
			}
			return
		}
		drive(t, f, msg)
	case <-time.After(50 * time.Millisecond):
	}
}

// press types keys: names in <>, anything else letter by letter.
func press(t *testing.T, f *Form, keys ...string) {
	t.Helper()
	types := map[string]tea.KeyType{
		"<enter>": tea.KeyEnter, "<up>": tea.KeyUp, "<down>": tea.KeyDown, "<tab>": tea.KeyTab, "<back>": tea.KeyShiftTab,
		"<esc>": tea.KeyEsc, "<bs>": tea.KeyBackspace, "<end>": tea.KeyEnd, "<home>": tea.KeyHome, "<pgdown>": tea.KeyPgDown,
	}
	for _, k := range keys {
		if typ, ok := types[k]; ok {
			drive(t, f, tea.KeyMsg{Type: typ})
			continue
		}
		for _, r := range k {
			msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
			if r == ' ' {
				msg.Type = tea.KeySpace
			}
			drive(t, f, msg)
		}
	}
}

func start(t *testing.T, w, h int, fields ...Field) *Form {
	t.Helper()
	f := New(w, h, fields...)
	run(t, f, f.Init())
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
		Choice("Board", &board, options(3)), Many("Keys", &many, options(9)))
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
	run(t, f, f.Init())
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
		if f.Update(msg) != nil || f.View() != before {
			t.Errorf("%T got through", msg)
		}
	}
	late := f.Update(tea.KeyMsg{Type: tea.KeyEnter})
	f.Rebuild()
	run(t, f, f.Init())
	run(t, f, late)
	if f.Done() {
		t.Error("an old enter ended the rebuilt form")
	}
}

func TestCtrlCAndEscDoNothing(t *testing.T) {
	var name string
	f := start(t, 60, 20, Text("Name", "", &name, nil))
	drive(t, f, tea.KeyMsg{Type: tea.KeyCtrlC})
	press(t, f, "<esc>", "a")
	if name != "a" || f.View() == "" {
		t.Error("the form was ended")
	}
}

func TestHelpNamesTheKeysThatWork(t *testing.T) {
	var name string
	var many []string
	f := start(t, 60, 20, Text("Name", "", &name, nil), Many("Keys", &many, options(2)))
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
	f := start(t, 60, 10, Many("Keys", &keys, options(60)))
	press(t, f, "/", "n 42", "<enter>", " ")
	if f.Done() || f.Filtering() || fmt.Sprint(keys) != "[42]" || !strings.Contains(f.View(), "► ● option 42") {
		t.Errorf("done %v, keys %v\n%s", f.Done(), keys, f.View())
	}
}

func TestAListWithoutOptions(t *testing.T) {
	value, values := "", []string{"old"}
	f := start(t, 60, 10, Many("Keys", &values, nil), Choice("Board", &value, nil))
	press(t, f, "<down>", " ", "/", "<esc>", "<enter>", "<enter>", "<up>", "<end>")
	if f.Done() || len(values) != 0 || !strings.Contains(f.View(), "nothing to choose") {
		t.Errorf("done %v, values %v\n%s", f.Done(), values, f.View())
	}
}
