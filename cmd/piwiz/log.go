package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"piwiz/cmd/piwiz/engine"
	"piwiz/flash/crash"
)

// logToFile sends the log to a file that only the user can read, because
// nothing may write to the terminal while the wizard is up. Without a log
// everything works; the error is for when it would be wanted.
func logToFile() (done func(), err error) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	dir, err := engine.State()
	if err != nil {
		return func() {}, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "piwiz.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return func() {}, err
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(f, nil)))
	_ = crash.LogTo(f) // without it a fatal error is on the terminal alone
	slog.Info("start", "args", len(os.Args)-1)
	return func() { _ = f.Close() }, nil
}
