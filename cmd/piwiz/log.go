package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/crash"
)

// logToFile sends the log to a file that only the user can read, because
// nothing may write to the terminal while the wizard is up.
func logToFile() (done func()) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dir := engine.StateDir()
	if dir == "" {
		return func() {}
	}
	f, err := os.OpenFile(filepath.Join(dir, "piwiz.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return func() {}
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(f, nil)))
	_ = crash.LogTo(f) // without it a fatal error is on the terminal alone
	slog.Info("start", "args", len(os.Args)-1)
	return func() { _ = f.Close() }
}
