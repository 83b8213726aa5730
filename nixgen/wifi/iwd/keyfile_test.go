package iwd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// askEll has the library that iwd reads its files with read texts, and answers
// null for a file it refuses, else [the raw values, the texts, the truths].
const askEll = `
import ctypes, json, sys
ell, libc = ctypes.CDLL("libell.so.0"), ctypes.CDLL(None)
ell.l_settings_new.restype = ctypes.c_void_p
ell.l_settings_get_value.restype = ctypes.c_char_p
ell.l_settings_get_string.restype = ctypes.c_void_p
ell.l_settings_load_from_data.restype = ell.l_settings_get_bool.restype = ctypes.c_bool
def one(case):
    data = bytes(case["data"])
    # with room behind it, since embedded files are looked for a byte too far
    room = ctypes.create_string_buffer(data + b"\n", len(data) + 64)
    s = ctypes.c_void_p(ell.l_settings_new())
    if data and not ell.l_settings_load_from_data(s, room, ctypes.c_size_t(len(data))):
        return None
    out = []
    for group, key in case["keys"]:
        g, k = group.encode(), key.encode()
        raw = ell.l_settings_get_value(s, g, k)
        p = ell.l_settings_get_string(s, g, k)
        text = ctypes.string_at(p).hex() if p else None
        b = ctypes.c_bool()
        ok = ell.l_settings_get_bool(s, g, k, ctypes.byref(b))
        out.append([None if raw is None else raw.hex(), text, b.value if ok else None])
    return out
json.dump([one(c) for c in json.load(sys.stdin)], sys.stdout)
`

var ellKeys = [][2]string{{"Security", "Passphrase"}, {"Security", "PreSharedKey"}, {"Settings", "Hidden"}, {"Settings", "Passphrase"}, {"@pem@x", "Passphrase"}}

const pem = "-----BEGIN CERTIFICATE-----\nTUlJ==\n-----END CERTIFICATE-----\n"

var ellTexts = []string{
	"",
	"\n\n",
	"# a word\n[Security]\n#Passphrase=no\nPassphrase=secret12\n",
	"[Security]\nPassphrase=first\nPassphrase=second\n",
	"[Security]\nPassphrase=first\n[Security]\nPassphrase=second\nPreSharedKey=00\n",
	"[Security]\nA=1\n[Security]\nPassphrase=second\n",
	"[Settings]\nHidden=1\n", "[Settings]\nHidden=TRUE\n", "[Settings]\nHidden=yes\n", "[Settings]\nHidden=true \n", "[Settings]\nHidden = true\n", "[Settings]\nHidden=0\n",
	"[Security]\n" + "[@pem@x]\n" + pem + "Passphrase=behind\n",
	"[@pem@x]\n" + pem + "[Security]\nPassphrase=behind\n",
	"[@pem@x]\n" + pem + "Passphrase=behind\n",
	"[Security]\n[@pem@x]\n" + pem + pem + "Passphrase=behind two\n",
	"[Security]\n[@pem@x] \n" + pem + "Passphrase=x\n",
	"[Security]\n[@pem@x]\r\n" + pem + "Passphrase=x\n",
	"[Security]\n[@pem@x]\n-----BEGIN A-----\nno end\nPassphrase=x\n",
	"[Security]\n[@pem@x]\nPassphrase=not embedded\n",
	"[Security]\n[@p@x]\n" + pem, "[Security]\n[@der@x]\n" + pem, "[@pem@]\n", "[@pem@x]", "[@", "[@@", "[@pem@x]a\n" + pem,
	"[Security]\n[@pem@x]\n-----BEGIN A B-----  \nTQ==\n-----END A B-----\t\nPassphrase=x\n",
	"[Security]\r\nPassphrase=windows\r\n", "[Security]\nPassphrase=mixed ends\r\n",
	" [Security] \n\tPassphrase\t = \t two words \n", "[Security]x\n", "[Sec[urity]\n", "[]\n=x\n", "[\n", "[Security\n", "[Séc]\n",
	"[Security]\nPassphrase=a\\sb\\\\c\\n\\t\\r\n", "[Security]\nPassphrase=a\\x\n", "[Security]\nPassphrase=a\\\n",
	"Passphrase=before\n[Security]\n", "[Security]\nPassphrase\n", "[Security]\n=x\n", "[Security]\nPass phrase=x\n", "[Security]\nPaßphrase=x\n",
	"[Security]\nPassphrase=\xff\n", "[Security]\nPassphrase=a\x00b\n", "[Security]\nPassphrase=\ufffe\n", "[Security]\nPassphrase=é=ü\n", "[Security]\nPassphrase=\n",
	"[Security]\nPassphrase=x", "[Security]\nPassphrase=a\vb\n", "[Security]\n\vPassphrase=x\n",
}

// mutated makes files that are nearly right: lines of the others, in any order
// and with a sign changed.
func mutated(random *rand.Rand, n int) []string {
	lines := strings.SplitAfter(strings.Join(ellTexts, ""), "\n")
	signs := []string{"", "=", "[", "]", "@", "#", " ", "\n", "\r", "\\", "-", "x", "\x00", "é"}
	var out []string
	for range n {
		var b strings.Builder
		b.WriteString("[Security]\n")
		for range 1 + random.IntN(5) {
			line := lines[random.IntN(len(lines))]
			if random.IntN(4) == 0 && line != "" {
				at := random.IntN(len(line))
				line = line[:at] + signs[random.IntN(len(signs))] + line[at+random.IntN(2):]
			}
			b.WriteString(line)
		}
		out = append(out, b.String())
	}
	return out
}

func TestFilesAreReadAsTheLibraryOfIwdReadsThem(t *testing.T) {
	if err := exec.Command("python3", "-c", `import ctypes; ctypes.CDLL("libell.so.0")`).Run(); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("Python or ell is missing: apt-get install python3 libell0")
		}
		t.Skip("needs Python and the library of iwd (apt-get install python3 libell0)")
	}
	more := 300
	if os.Getenv("PIWIZ_REAL") == "1" {
		more = 5000
	}
	texts := append(ellTexts, mutated(rand.New(rand.NewPCG(1, 2)), more)...)
	type question struct {
		Data []int       `json:"data"`
		Keys [][2]string `json:"keys"`
	}
	var ask []question
	for _, text := range texts {
		q := question{Data: []int{}, Keys: ellKeys}
		for _, b := range []byte(text) {
			q.Data = append(q.Data, int(b))
		}
		ask = append(ask, q)
	}
	in, _ := json.Marshal(ask)
	cmd := exec.Command("python3", "-c", askEll)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][][3]any
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	accepted, differ := 0, 0
	for i, text := range texts {
		if want[i] != nil {
			accepted++
		}
		if got := asEll(text); fmt.Sprint(got) != fmt.Sprint(want[i]) {
			if differ++; differ < 12 {
				t.Errorf("%q:\n got %v\nwant %v", text, got, want[i])
			}
		}
	}
	t.Logf("%d files, of which ell reads %d; %d differ", len(texts), accepted, differ)
}

func asEll(text string) (out [][3]any) {
	s, err := keyfile(text)
	if err != nil {
		return nil
	}
	for _, k := range ellKeys {
		var line [3]any
		if v, ok := s.value(k[0], k[1]); ok {
			line[0] = fmt.Sprintf("%x", v)
		}
		if v, ok := s.text(k[0], k[1]); ok {
			line[1] = fmt.Sprintf("%x", v)
		}
		if v, ok := s.truth(k[0], k[1]); ok {
			line[2] = v
		}
		out = append(out, line)
	}
	return out
}
