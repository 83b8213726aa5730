package row

import (
	"regexp"
	"strings"
)

// The lines of a builder are believed only where they end: what a test suite
// says on the way ("handles: No space left on device") is no cause. A line is a
// witness when nothing but its consequences comes behind it.

// Near is how many lines with something to say may come behind a witness.
const Near = 6

var (
	// after are the words of a program that ends because another one failed, or
	// that explains a failure: they tell nothing new.
	after = regexp.MustCompile(`\*\*\*|Error \d+(?: \(ignored\))?$|exit (?:code|status):? \d+|returned (?:non-zero exit status )?\d+(?: exit status)?|exit value \d+` +
		`|status due to previous errors|compilation terminated|build stopped|[Ll]eaving directory|Skipping to next header|object '.*' from LD_PRELOAD cannot be preloaded` +
		`|[Cc]ould not compile|[Bb]uild failed|failed to build$|cannot download \S+ from any mirror|do not know how to unpack|Unable to checkout|unpacker .*failed` +
		`|^Warning: (?:Problem|Transient)|retry|More details here: https://curl|curl failed to verify|secure connection to|how to fix it` +
		`|fatal: (?:early EOF|fetch-pack|could not fetch|the remote end)|fetch-pack: |^error: (?:builder|build|command) |^error checking the existence|^tar: (?:Child|Error)|^collect2: |terminating|\bfor errors\b|[Ll]og of errors|^Error (?:when|while|during|in) `)
	// another is a failure of its own.
	another = regexp.MustCompile(`(?i)error|fail|fatal|assert|not ok|cannot|can't|undefined|mismatch|panic|exception|segfault|traceback|expected`)
	// passed is a test, or a comment, that tells of a failure it wants.
	passed = regexp.MustCompile(`(?i)(?:^|[\s\[(:])(?:ok|pass(?:ed|es|ing)?|success|expected|skip(?:ped)?|test(?:s|ing|ed)?|handles?|should)(?:$|[\s\]):.\d])|✓|✔|^\s*(?:#|//|/\*)`)
	// well is such a test where it says so itself.
	well = regexp.MustCompile(`(?i)^\s*(?:ok|pass(?:ed)?|✓|✔)\b|\b(?:ok|pass(?:ed)?)$`)
)

// LastWord is a line of a builder.
type LastWord struct {
	text           string
	passed         bool // it cannot be a witness
	silent, denies bool // it tells nothing new; it is a failure of its own
}

// LastWords are the lines of a builder from its end backwards, as far as
// something in them may be believed.
func LastWords(lines []string) (out []LastWord) {
	behind := 0
	for i := len(lines) - 1; i >= 0 && behind <= Near; i-- {
		text := strings.TrimSpace(lines[i])
		if text == "" {
			continue
		}
		w := LastWord{text: text, passed: passed.MatchString(text), silent: after.MatchString(text)}
		w.denies = !w.silent && !well.MatchString(text) && another.MatchString(text)
		if !w.silent && !w.denies {
			behind++
		}
		out = append(out, w)
	}
	return out
}

// Witness is the match of a pattern in the last words, nil when there is none
// that may be believed.
func Witness(patterns []string, words []LastWord) []string {
	if len(patterns) == 0 {
		return nil
	}
	for _, w := range words {
		if m := Find(patterns, w.text); m != nil && !w.passed {
			return m
		}
		if w.denies {
			return nil
		}
	}
	return nil
}
