// Package suggest finds the word that was probably meant.
package suggest

import "strings"

// Word returns the one of known that is closest to word, or "" if none is close: if more than a third
// of its letters would have to change, or two for a short word.
func Word(word string, known []string) string {
	best, least := "", 0
	for _, k := range known {
		limit := max(2, len(k)/3)
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= limit && d < len(k) &&
			(best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// distance returns how many bytes have to be put in, removed, replaced or swapped with the next one to
// get from a to b.
func distance(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j]+cost, last[j+1]+1, now[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
