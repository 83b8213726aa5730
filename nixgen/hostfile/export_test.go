package hostfile

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"piwiz/nixgen/hostfile/archive"
	"piwiz/nixgen/hostfile/layout"
)

// rich is a host with everything that a host may have.
func rich(t *testing.T) Store {
	t.Helper()
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	for i := range 2 {
		h := saved(t, "bach") // another key each time, so that something is kept
		h.Host.User = fmt.Sprint("user", i)
		_, err := s.Save(h, flakeOf("1"))
		must(t, err)
	}
	for name, mode := range map[string]fs.FileMode{
		"flake/flake.lock": 0o644, "flake/bin/run me.sh": 0o755, "flake/ö/\n": 0o600, "flake/.git/objects/ab": 0o444,
		"flake/" + strings.Repeat("long/", 40) + "x": 0o640, "flake/empty": 0o644,
	} {
		must(t, os.MkdirAll(filepath.Dir(s.Path("bach", name)), 0o755))
		must(t, os.WriteFile(s.Path("bach", name), bytes.Repeat([]byte(name), 1000), mode))
		must(t, os.Chmod(s.Path("bach", name), mode))
	}
	must(t, os.WriteFile(s.Path("bach", "flake/empty"), nil, 0o644))
	must(t, os.Mkdir(s.Path("bach", "flake/empty folder"), 0o750))
	for name, to := range map[string]string{"result": "/nix/store/x", "flake/result": "/nix/store/x"} {
		must(t, os.Symlink(to, s.Path("bach", name)))
	}
	for _, name := range []string{"build.log", "build.log.1", "build.jsonl", "build.jsonl.1"} {
		must(t, os.WriteFile(s.Path("bach", name), []byte("x"), 0o600))
	}
	must(t, os.WriteFile(s.Path("bach", "notes.txt"), []byte("x"), 0o600))
	must(t, os.Chtimes(s.Path("bach", "flake", "flake.lock"), time.Time{}, time.Unix(1e9, 123456789)))
	return s
}

// wholePicture is what of a host is in an export, with the times.
func wholePicture(t *testing.T, s Store, name string) string {
	t.Helper()
	out := ""
	for _, part := range []string{"host.toml", "flake", "secrets"} {
		out += picture(t, s.Path(name, part))
		must(t, filepath.WalkDir(s.Path(name, part), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.Type()&fs.ModeSymlink != 0 {
				return err
			}
			st, err := e.Info()
			out += fmt.Sprintln(strings.TrimPrefix(path, s.Dir), st.ModTime().UnixNano())
			return err
		}))
	}
	// Links into the Nix store are made again.
	lines := strings.Split(out, "\n")
	out = ""
	for _, l := range lines {
		if !strings.HasPrefix(l, "/result L") {
			out += l + "\n"
		}
	}
	return out
}

func TestExportForgetImportElsewhereIsTheSameHostToTheByte(t *testing.T) {
	s := rich(t)
	// Removing the link changed the folder's time.
	must(t, os.Remove(s.Path("bach", "flake/result")))
	want := wholePicture(t, s, "bach")
	var b bytes.Buffer
	skipped, err := s.Export(&b, "bach", testKey.Recipient())
	if err != nil || len(skipped) != 1 || filepath.Base(skipped[0]) != "notes.txt" {
		t.Fatal(skipped, err)
	}
	must(t, s.Forget("bach"))
	elsewhere := Store{Dir: filepath.Join(quickDir(t), "another", "home", "hosts")}
	h, replaced, err := elsewhere.Import(&b, "", false, rendered, testKey)
	if err != nil || replaced != "" || len(h.Problems) > 0 {
		t.Fatal(h.Problems, replaced, err)
	}
	if got := wholePicture(t, elsewhere, "bach"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(elsewhere.Dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// needs skips a test on a machine without these programs.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PIWIZ_REAL") == "1" {
				t.Fatal("needs " + program)
			}
			t.Skip("needs " + program)
		}
	}
}

// The reference age and tar give back the folder; and piwiz reads what they
// made, binary and armored.
func TestTheReferenceAgeAndTarReadAndMakeTheSame(t *testing.T) {
	needs(t, "age", "age-keygen", "tar")
	s, dir := rich(t), t.TempDir()
	must(t, os.Remove(s.Path("bach", "flake/result")))
	want := wholePicture(t, s, "bach")
	key := filepath.Join(dir, "key")
	must(t, os.WriteFile(key, []byte(testKey.String()+"\n"), 0o600))
	f, err := os.Create(filepath.Join(dir, "bach.age"))
	must(t, err)
	_, err = s.Export(f, "bach", testKey.Recipient())
	must(t, errors.Join(err, f.Close()))

	sh := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	sh("mkdir hosts && age -d -i key bach.age | tar x -C hosts")
	if got := wholePicture(t, Store{Dir: filepath.Join(dir, "hosts")}, "bach"); got != want {
		t.Errorf("age and tar gave back\n%s\nwant\n%s", got, want)
	}
	for i, how := range []string{"", "-a"} {
		sh("tar c -C hosts bach | age " + how + " -r " + testKey.Recipient().String() + " > again.age")
		file, err := os.ReadFile(filepath.Join(dir, "again.age"))
		must(t, err)
		other := Store{Dir: filepath.Join(quickDir(t), "hosts")}
		_, _, err = other.Import(bytes.NewReader(file), "", false, rendered, testKey)
		must(t, err)
		got := wholePicture(t, other, "bach")
		// GNU tar's own format has times in seconds.
		if i == 0 && strings.Count(got, "\n") != strings.Count(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// sealed is an archive of these entries, encrypted.
func sealed(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, testKey.Recipient())
	must(t, err)
	archive := tar.NewWriter(w)
	for _, h := range entries {
		body := "x"
		switch {
		case strings.HasSuffix(h.Name, "host.toml"):
			body = "name = \"bach\"\nboard = \"4\"\nuser = \"alice\"\nkeys = []\n"
		case h.Typeflag != tar.TypeReg:
			body = ""
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if h.Size == 0 {
			h.Size = int64(len(body))
		}
		must(t, archive.WriteHeader(&h))
		if h.Size == int64(len(body)) {
			_, err = io.WriteString(archive, body)
			must(t, err)
		}
	}
	_ = archive.Close() // fails where a header lied
	must(t, w.Close())
	return b.Bytes()
}

func TestHostileArchivesAreRefusedAndLeaveNothing(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	of := func(kind byte, name, to string) tar.Header {
		return tar.Header{Typeflag: kind, Name: name, Linkname: to}
	}
	good := file("bach/host.toml")
	var many []tar.Header
	for range 70 {
		many = append(many, file("bach/flake/"+strings.Repeat("d/", len(many))+"x"))
	}
	for name, entries := range map[string][]tar.Header{
		"up":                    {good, file("bach/../../evil")},
		"up at once":            {file("../evil")},
		"up inside":             {good, file("bach/flake/../../../evil")},
		"absolute":              {good, file("/tmp/evil")},
		"dot":                   {good, file("bach/./flake/x")},
		"twice the slash":       {good, file("bach//flake/x")},
		"symlink":               {good, of(tar.TypeSymlink, "bach/flake/x", "/etc")},
		"symlink, then in":      {good, of(tar.TypeSymlink, "bach/flake/x", "/tmp"), file("bach/flake/x/y")},
		"symlinked folder":      {of(tar.TypeSymlink, "bach", "/tmp"), good},
		"inner symlink":         {good, of(tar.TypeSymlink, "bach/flake/x", "flake.nix")},
		"hard link":             {good, of(tar.TypeLink, "bach/flake/x", "bach/secrets/ssh_host_ed25519_key")},
		"device":                {good, of(tar.TypeChar, "bach/flake/x", "")},
		"disk":                  {good, of(tar.TypeBlock, "bach/flake/x", "")},
		"pipe":                  {good, of(tar.TypeFifo, "bach/flake/x", "")},
		"twice":                 {good, file("bach/flake/x"), file("bach/flake/x")},
		"twice the answers":     {good, good},
		"folder twice":          {good, of(tar.TypeDir, "bach/flake/", ""), of(tar.TypeDir, "bach/flake/", "")},
		"other case":            {good, file("bach/flake/x"), file("bach/flake/X")},
		"folder, other case":    {good, file("bach/flake/a/x"), file("bach/flake/A/y")},
		"host, other case":      {good, file("Bach/flake/x")},
		"two hosts":             {good, file("mozart/host.toml")},
		"file as folder":        {good, file("bach/flake/x"), file("bach/flake/x/y")},
		"folder as file":        {good, file("bach/flake/x/y"), file("bach/flake/x")},
		"journal":               {good, file("bach/.saved/host.toml")},
		"result":                {good, file("bach/result")},
		"a part as a file":      {good, file("bach/flake")},
		"answers a folder":      {of(tar.TypeDir, "bach/host.toml/", "")},
		"no answers":            {file("bach/flake/x")},
		"nothing":               {},
		"not a valid host name": {file("Ba_ch/host.toml")},
		"hidden name":           {file(".saving-bach/host.toml")},
		"other name inside":     {file("mozart/host.toml")},
		"huge":                  {good, {Typeflag: tar.TypeReg, Name: "bach/flake/x", Size: 1 << 40}},
		"deep":                  many,
		"not text":              {good, file("bach/flake/\xff")},
		"sparse":                {good, {Typeflag: tar.TypeReg, Name: "bach/flake/x", Format: tar.FormatPAX, PAXRecords: map[string]string{"PIWIZ.x": "1"}}, of(tar.TypeGNUSparse, "bach/flake/y", "")},
	} {
		t.Run(name, func(t *testing.T) {
			s := Store{Dir: filepath.Join(quickDir(t), "a", "hosts")}
			must(t, os.MkdirAll(s.Dir, 0o700))
			before := picture(t, filepath.Dir(s.Dir))
			_, _, err := s.Import(bytes.NewReader(sealed(t, entries...)), "", false, rendered, testKey)
			if !errors.Is(err, ErrNoExport) {
				t.Errorf("%v", err)
			}
			if after := picture(t, filepath.Dir(s.Dir)); after != before {
				t.Errorf("left behind:\n%s", after)
			}
		})
	}
}

func TestAnImportThatCannotBeReadSaysWhyAndChangesNothing(t *testing.T) {
	file := exported(t)
	other, err := age.GenerateX25519Identity()
	must(t, err)
	weak, err := age.NewScryptRecipient("right")
	must(t, err)
	weak.SetWorkFactor(2)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, weak)
	must(t, errors.Join(err, w.Close()))
	wrong, err := age.NewScryptIdentity("wrong")
	must(t, err)
	flipped := bytes.Clone(file)
	flipped[len(flipped)-5] ^= 1
	var armored bytes.Buffer
	a := armor.NewWriter(&armored)
	_, err = a.Write(file)
	must(t, errors.Join(err, a.Close()))
	for name, c := range map[string]struct {
		file []byte
		key  age.Identity
		want error
	}{
		"another key":        {file, other, ErrWrongKey},
		"another passphrase": {b.Bytes(), wrong, ErrWrongKey},
		"empty":              {nil, testKey, ErrNoExport},
		"no age":             {[]byte("hello\n"), testKey, ErrNoExport},
		"cut in the header":  {file[:20], testKey, ErrNoExport},
		"cut in the middle":  {file[:len(file)/2], testKey, ErrNoExport},
		"cut at the end":     {file[:len(file)-1], testKey, ErrNoExport},
		"more at the end":    {append(bytes.Clone(file), 'x'), testKey, ErrNoExport},
		"changed":            {flipped, testKey, ErrNoExport},
		"armored, cut":       {armored.Bytes()[:armored.Len()/2], testKey, ErrNoExport},
	} {
		s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
		_, err = s.Save(saved(t, "bach"), flakeOf("1"))
		must(t, err)
		before := picture(t, s.Dir)
		if _, _, err := s.Import(bytes.NewReader(c.file), "haydn", false, rendered, c.key); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := picture(t, s.Dir); after != before {
			t.Errorf("%s: left behind:\n%s", name, after)
		}
	}
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	if _, _, err := s.Import(&armored, "haydn", false, rendered, testKey); err != nil {
		t.Errorf("an armored one: %v", err)
	}
}

func TestAnImportNeverWritesOverAHostWithoutAYes(t *testing.T) {
	file := exported(t)
	s := Store{Dir: filepath.Join(quickDir(t), "data", "hosts")}
	_, err := s.Save(saved(t, "bach"), flakeOf("1"))
	must(t, err)
	was := picture(t, s.Path("bach"))
	if _, _, err := s.Import(bytes.NewReader(file), "", false, rendered, testKey); !errors.Is(err, fs.ErrExist) || picture(t, s.Path("bach")) != was {
		t.Fatal(err)
	}
	h, replaced, err := s.Import(bytes.NewReader(file), "", true, rendered, testKey)
	if err != nil || h.Host.User != "exported" || picture(t, replaced) != was {
		t.Errorf("%v, what was is not in %q", err, replaced)
	}
	if h, _, err = s.Import(bytes.NewReader(file), "haydn", false, rendered, testKey); err != nil || h.Host.Name != "haydn" || len(h.Problems) > 0 {
		t.Errorf("%v %+v", err, h)
	}
	must(t, os.Rename(s.Path("haydn"), s.Path("Haydn")))
	for _, replace := range []bool{false, true} {
		if _, _, err = s.Import(bytes.NewReader(file), "haydn", replace, rendered, testKey); !errors.Is(err, fs.ErrExist) {
			t.Errorf("beside one that differs in capitals: %v", err)
		}
	}
}

func TestWhatAnArchiveCannotHoldIsNamedBeforeAnythingIsExported(t *testing.T) {
	for name, spoil := range map[string]func(s Store) error{
		"flake/link": func(s Store) error { return os.Symlink("flake.nix", s.Path("bach", "flake/link")) },
		"flake/PIWIZ.nix": func(s Store) error {
			return os.WriteFile(s.Path("bach", "flake/PIWIZ.nix"), nil, 0o600)
		},
	} {
		s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
		_, err := s.Save(saved(t, "bach"), flakeOf("1"))
		must(t, errors.Join(err, spoil(s)))
		_, err = s.Export(io.Discard, "bach", testKey.Recipient())
		var no *archive.Refused
		var hints interface{ Hints() []string }
		if !errors.As(err, &no) || !strings.HasSuffix(strings.ToLower(no.Name), strings.ToLower(name)) || !errors.As(err, &hints) || len(hints.Hints()) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"bach/host.toml", "bach/flake/x", "bach/secrets/ssh_host_ed25519_key"} {
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1, Mode: 0o600})
		_, _ = w.Write([]byte("x"))
	}
	_ = w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		top := quickDir(t)
		dir := filepath.Join(top, "in")
		must(t, os.Mkdir(dir, 0o700))
		name, err := archive.Unpack(bytes.NewReader(file), dir)
		entries, _ := os.ReadDir(top)
		if len(entries) != 1 {
			t.Fatal("something is outside of the folder")
		}
		must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !e.Type().IsRegular() {
				t.Errorf("%s is %v", path, e.Type())
			}
			return nil
		}))
		if err == nil && !layout.Exists(filepath.Join(dir, "host.toml")) {
			t.Errorf("%q has no answers", name)
		}
	})
}
