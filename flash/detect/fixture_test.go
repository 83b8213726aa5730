package detect

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func escape(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}

var word = regexp.MustCompile(`(?:[^\s"]|"(?:[^"\\]|\\.)*")+`)

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func (m *machine) words(line string) []string {
	var out []string
	for _, w := range word.FindAllString(line, -1) {
		out = append(out, quoted.ReplaceAllStringFunc(w, func(q string) string {
			s, err := strconv.Unquote(q)
			if err != nil {
				m.t.Fatalf("%s: %v", q, err)
			}
			return s
		}))
	}
	return out
}

func (m *machine) bytes(s string) int64 {
	unit := strings.TrimLeft(s, "0123456789.")
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, unit), 64)
	factor, ok := map[string]float64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "GB": 1e9, "TB": 1e12}[unit]
	if err != nil || !ok {
		m.t.Fatalf("%q is no size", s)
	}
	return int64(n * factor)
}

func (m *machine) put(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if text != "" {
		text += "\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) get(path string) string {
	b, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

func (m *machine) remove(path string) {
	m.t.Helper()
	if err := os.RemoveAll(filepath.Join(m.root, path)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) link(path, target string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		m.t.Fatal(err)
	}
}
