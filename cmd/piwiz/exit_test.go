package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"piwiz/nixgen/builder"
)

// TestAFailedBuildGivesItsReasonsAsJSON is for programs that show a failure in
// their own way.
func TestAFailedBuildGivesItsReasonsAsJSON(t *testing.T) {
	var out bytes.Buffer
	p := &program{json: true, out: &out}
	code := p.end(&builder.Error{
		Known: "disk-full", Headline: "The disk is full.", Why: "It takes 15 GiB.", Derivation: "linux-6.18.2",
		LogTail: []string{"cp: no space"}, LogFile: "/l", Page: "check",
	})
	var got struct {
		Event, Error, Headline, Reason, Known, Derivation, Log string
		Tail, Hints                                            []string
		Exit                                                   int
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Event != "error" || got.Headline != "The disk is full." || got.Reason != "It takes 15 GiB." || got.Known != "disk-full" ||
		got.Derivation != "linux-6.18.2" || len(got.Tail) != 1 || got.Log != "/l" || got.Hints == nil || got.Exit != code {
		t.Errorf("%s", out.Bytes())
	}
	out.Reset()
	p.end(errors.New("something else"))
	if strings.Contains(out.String(), "reason") {
		t.Errorf("%s", out.Bytes())
	}
}
