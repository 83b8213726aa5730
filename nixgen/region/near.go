package region

import (
	"strings"
)

const mostMeant = 3

// meant names what somebody may have meant, else says how such names look.
func meant(found []string, form string) string {
	if len(found) == 0 {
		return " " + form
	}
	return " Did you mean " + strings.Join(found, " or ") + "?"
}

// near are the names that differ least from what was written, by at most a
// quarter of its letters and in a short one by none; none when that is no help. A name in several parts is
// also meant by its last one, or without its separators: berlin is
// Europe/Berlin.
func near(list []string, written string) []string {
	w := plain(written)
	if w == "" || len(w) > 40 {
		return nil
	}
	limit := len(w) / 4
	if len(w) < 5 {
		limit = 0
	}
	best, found := limit+1, []string(nil)
	for _, name := range list {
		d := distance(w, plain(name), best)
		if _, last, ok := cutLast(name); ok {
			d = min(d, distance(w, plain(last), best))
		}
		switch {
		case d > best || d > limit:
		case d < best:
			best, found = d, []string{name}
		default:
			found = append(found, name)
		}
	}
	if len(found) > mostMeant {
		found = found[:mostMeant]
	}
	return found
}

func cutLast(name string) (before, last string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// plain is a name without what people write now so and now otherwise.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-/.", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is how many letters must be added, removed, changed or swapped with
// their neighbour to make b of a (optimal string alignment); more than limit is
// not counted further.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
