package screen

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// TestMain is also the program that the tests look at: a line of text that
// grows with the keys, the size, and exit code 3 on ctrl+c.
func TestMain(m *testing.M) {
	if os.Getenv("SCREEN_PROGRAM") == "" {
		os.Exit(m.Run())
	}
	if _, err := tea.NewProgram(program{}, tea.WithAltScreen()).Run(); err != nil {
		os.Exit(1)
	}
	os.Exit(3)
}

type program struct{ keys, size string }

func (p program) Init() tea.Cmd { return nil }

func (p program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.size = fmt.Sprintf("%dx%d", m.Width, m.Height)
	case tea.KeyMsg:
		if m.String() == "ctrl+c" {
			return p, tea.Quit
		}
		p.keys += "[" + m.String() + "]"
	}
	return p, nil
}

func (p program) View() string { return "┌─ Größe " + p.size + "\n" + p.keys }

func open(t *testing.T) *Session {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SCREEN_PROGRAM=1", "TERM=xterm-256color", "CI=")
	s, err := Start(cmd, 60, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAProgramIsTypedIntoResizedAndEnded(t *testing.T) {
	start := time.Now()
	s := open(t)
	must(t, s.WaitFor("┌─ Größe 60x10", 5*time.Second))
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("first picture after %v: were the program's questions answered?", took)
	}
	must(t, s.Type("a"))
	must(t, s.Key("enter", "esc", "up", "space", "backspace", "tab", "ctrl+a"))
	must(t, s.WaitFor("[a][enter][esc][up][ ][backspace][tab][ctrl+a]", 2*time.Second))
	must(t, s.Resize(40, 5))
	must(t, s.WaitFor("40x5", 2*time.Second))
	must(t, s.WaitGone("60x10", 2*time.Second))
	must(t, s.PNG(filepath.Join(t.TempDir(), "s.png")))
	must(t, s.Key("ctrl+c"))
	if code, err := s.Wait(2 * time.Second); code != 3 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	if err := s.WaitFor("nothing", time.Second); err == nil || !strings.Contains(err.Error(), "the program ended") {
		t.Errorf("waiting after the end: %v", err)
	}
}

func TestAPasswordIsTypedWhenItIsNotShown(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell (apt-get install dash)")
	}
	s, err := Start(exec.Command(sh, "-c", `printf 'Password: '; sleep .2; stty -echo; read secret; stty echo; echo "got $secret"`), 40, 10)
	must(t, err)
	t.Cleanup(s.Close)
	must(t, s.WaitFor("Password:", 5*time.Second))
	must(t, s.WaitUnseen(5*time.Second))
	must(t, s.Type("x1"))
	must(t, s.Key("enter"))
	must(t, s.WaitFor("got x1", 5*time.Second))
	if got := strings.Count(s.Text(), "x1"); got != 1 {
		t.Errorf("it is shown %d times:\n%s", got, s.Text())
	}
}

func TestWaitForShowsTheScreenWhenItGivesUp(t *testing.T) {
	s := open(t)
	must(t, s.WaitFor("60x10", 5*time.Second))
	if err := s.WaitFor("nowhere", 30*time.Millisecond); err == nil || !strings.Contains(err.Error(), "Größe 60x10") {
		t.Errorf("error %v", err)
	}
	if _, err := s.Wait(10 * time.Millisecond); err == nil {
		t.Error("no error although it still runs")
	}
	if s.Key("hyper") == nil {
		t.Error("pressed a key that there is not")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDrawLikeATerminal(t *testing.T) {
	if got := Draw("\x1b[1mone\x1b[0m  \n\n  two\n\n", 20, 10).Text(); got != "one\n\n  two" {
		t.Errorf("%q", got)
	}
	if got := Draw("top\n1\n2\n3", 20, 3).Text(); got != "1\n2\n3" {
		t.Errorf("a text that is too tall: %q", got)
	}
}

func TestPictureHasTheColours(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.png")
	must(t, Draw("\x1b[48;2;1;200;3m \x1b[0m\x1b[48;5;205m \x1b[0m\x1b[7m \x1b[0m\x1b[1;31m█\x1b[0m│", 8, 2).PNG(path))
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	im, err := png.Decode(f)
	must(t, err)
	for x, want := range map[int]string{0: "1 200 3", 1: "255 95 175", 2: "220 220 220", 3: "255 0 0", 4: "220 220 220", 6: "18 18 24"} {
		if got := middle(im, x); got != want {
			t.Errorf("cell %d is %s, want %s", x, got, want)
		}
	}
}

func middle(im image.Image, x int) string {
	r, g, b, _ := im.At(margin+x*cellWidth+cellWidth/2, margin+cellHeight/2).RGBA()
	return fmt.Sprint(r>>8, " ", g>>8, " ", b>>8)
}

func TestHeldBackWhileACharacterIsCut(t *testing.T) {
	for text, want := range map[string]int{"": 0, "ab": 2, "a─": 4, "a\xe2\x94": 1, "a\xe2": 1, "\xf0\x9f\x98": 0, "a\xff": 2, "\x80\x80\x80\x80": 4} {
		if got := whole([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
