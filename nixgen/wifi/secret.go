package wifi

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Secret is a passphrase or a derived key. However it is printed, logged or
// encoded, its content stays hidden; only Reveal shows it.
type Secret struct{ text string }

const hidden = "(hidden)"

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the content. Call it only to write a file that may hold it.
func (s Secret) Reveal() string { return s.text }

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// Format hides the content from every verb, %x and %q included.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }
