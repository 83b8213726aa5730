package preflight

import (
	"context"
	"strings"
	"testing"

	"piwiz/nixgen/fault"
)

func TestAFindingKeepsWhatTheLeafKnows(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Finding
	}{
		{nil, Finding{State: OK, What: "good"}},
		{&Problem{Headline: "bad", Why: "because", Todo: []string{"sudo x", "log out"}, Runs: true}, Finding{State: Failure, What: "bad", Why: "because", Command: "sudo x", Todo: []string{"log out"}}},
		{&Problem{Headline: "little", Warning: true}, Finding{State: Warning, What: "little"}},
		{hinted{fault.Todo{"sudo a", "sudo b"}}, Finding{State: Failure, What: "hinted", Command: "sudo a && sudo b"}},
		{hinted{fault.Todo{"sudo a", "If that does not help: sudo b"}}, Finding{State: Failure, What: "hinted", Command: "sudo a", Todo: []string{"If that does not help: sudo b"}}},
		{hinted{fault.Todo{"Add this line", "Then: sudo b"}}, Finding{State: Failure, What: "hinted", Todo: []string{"Add this line", "Then: sudo b"}}},
	} {
		got := Found("good", c.err)
		if got.State != c.want.State || got.What != c.want.What || got.Why != c.want.Why || got.Command != c.want.Command || strings.Join(got.Todo, "|") != strings.Join(c.want.Todo, "|") {
			t.Errorf("%v: %+v, want %+v", c.err, got, c.want)
		}
	}
	if got := Found("", ErrEarlier); got.State != Skipped {
		t.Errorf("%+v", got)
	}
}

type hinted struct{ fault.Todo }

func (h hinted) Error() string { return "hinted" }

func TestTheTestBuildIsTriedWhenTheOthersPassOrWhenAskedFor(t *testing.T) {
	for _, c := range []struct {
		first State
		deep  bool
		want  State
	}{
		{OK, false, OK},
		{Warning, false, OK},
		{Failure, false, Skipped},
		{Failure, true, OK},
	} {
		all := []Check{
			{Name: "first", Run: func(context.Context) Finding { return Finding{State: c.first} }},
			{Name: "test build", Last: true, Run: func(context.Context) Finding { return Finding{State: OK} }},
		}
		got := make([]State, len(all))
		Ask(t.Context(), all, c.deep, plainly, func(i int, f Finding) { got[i] = f.State })
		if got[0] != c.first || got[1] != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// What nothing depends on is not told, however it would end, and a slow one is not
// even tried.
func TestACheckThatIsNotNeededSaysNothing(t *testing.T) {
	for _, bad := range []bool{false, true} {
		tried := false
		never := func(context.Context) bool { return false }
		all := []Check{
			{Name: "first", Run: func(context.Context) Finding {
				if bad {
					return Finding{State: Failure}
				}
				return Finding{State: OK}
			}},
			{Name: "nix", Needed: never, Run: func(context.Context) Finding { return Finding{State: Failure, What: "x"} }},
			{Name: "test build", Last: true, Needed: never, Run: func(context.Context) Finding { tried = true; return Finding{State: OK} }},
		}
		got := make([]Finding, len(all))
		Ask(t.Context(), all, bad, plainly, func(i int, f Finding) { got[i] = f })
		if tried || got[1].State != Unneeded || got[1].What != "" || got[2].State != Unneeded || (got[0].State == Failure) != bad {
			t.Errorf("%+v, tried: %v", got, tried)
		}
	}
}

// plainly starts without a guard against panics.
func plainly(do func() error, done func(error)) { go func() { done(do()) }() }
