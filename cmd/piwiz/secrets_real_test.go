package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// watchProcesses reads the arguments and the environment of every process of
// the machine each 50 ms, until the function it returns is called, which
// gives all that was seen.
func (w *world) watchProcesses() (seen func() []byte) {
	stop, done := make(chan struct{}), make(chan []byte)
	go func() {
		all := map[string]bool{}
		for {
			files, _ := filepath.Glob("/proc/[0-9]*/*")
			for _, f := range files {
				if b := filepath.Base(f); b == "cmdline" || b == "environ" {
					text, _ := os.ReadFile(f) // the process may be gone
					all[string(text)] = true
				}
			}
			select {
			case <-stop:
				var b bytes.Buffer
				for text := range all {
					b.WriteString(text)
				}
				done <- b.Bytes()
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() []byte {
		close(stop)
		return <-done
	}
}

// noSecretIn looks for what only the secrets folder and the card may hold: in
// the Nix store with the image, in the flake, the answers and the logs, and in
// what processes were given.
func (w *world) noSecretIn(card string, processes []byte) {
	w.t.Helper()
	conf := w.must("mtype", "-i", card+"@@8M", "::/piwiz/wireless.conf")
	_, psk, _ := strings.Cut(strings.TrimSpace(conf), "=")
	private := strings.Split(w.must("mtype", "-i", card+"@@8M", "::/piwiz/ssh_host_ed25519_key"), "\n")[2]
	if len(psk) != 64 || len(private) < 40 {
		w.t.Fatalf("secrets of %d and %d bytes are none", len(psk), len(private))
	}
	w.write("secrets", strings.Join([]string{psk, private, "correct horse battery"}, "\n")+"\n")
	patterns := filepath.Join(w.dir, "secrets")
	kept := filepath.Join(w.dir, "home/.local/share/piwiz/hosts/bach")
	// The search itself must be able to find something.
	if found := w.grep(patterns, filepath.Join(kept, "secrets")); len(found) != 2 {
		w.t.Errorf("the secrets folder holds secrets in %q", found)
	}
	if bytes.Count(processes, []byte("piwiz")) < 2 {
		w.t.Error("the watch of processes saw nothing of piwiz")
	}
	for _, place := range []string{
		filepath.Join(w.rig, "nix-of-0/store"), filepath.Join(kept, "flake"), filepath.Join(kept, "host.toml"),
		filepath.Join(kept, "build.log"), filepath.Join(kept, "build.jsonl"), filepath.Join(w.dir, "home/.local/state"),
	} {
		if _, err := os.Stat(place); err != nil {
			w.t.Errorf("nothing to search: %v", err)
		}
		if found := w.grep(patterns, place); found != nil {
			w.t.Errorf("secrets lie in %q", found)
		}
	}
	for _, secret := range []string{psk, private, "correct horse battery"} {
		if bytes.Contains(processes, []byte(secret)) {
			w.t.Error("a secret was given to a process in its arguments or environment")
		}
	}
}

// grep names the files under place that hold one of the patterns.
func (w *world) grep(patterns, place string) []string {
	w.t.Helper()
	for tries := 1; ; tries++ {
		out, err := exec.Command("grep", "-rlaFf", patterns, place).Output()
		var bad *exec.ExitError
		switch {
		case err == nil:
			return strings.Fields(string(out))
		case errors.As(err, &bad) && bad.ExitCode() == 1:
			return nil
		case tries == 10: // other tests build in the same store, and files of theirs go
			w.t.Fatalf("grep: %v: %s", err, bad.Stderr)
		}
	}
}
