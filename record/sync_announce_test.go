package record

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A topic that could not be announced is announced with the next search, whatever became of the others, and
// one that could is left alone for twelve hours.
func TestAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, tried := announcements{}, map[string]int{}
		fails := 2 // of "b"
		round := func() {
			for _, name := range []string{"a", "b", "c"} {
				next.announce(t.Context(), name, func(ctx context.Context) error {
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != searchTime {
						t.Errorf("an announcement may take until %v", deadline)
					}
					tried[name]++
					if name == "b" && fails > 0 {
						fails--
						return errors.New("nobody is there")
					}
					return nil
				})
			}
		}
		check := func(a, b int) {
			t.Helper()
			if tried["a"] != a || tried["b"] != b || tried["c"] != a {
				t.Errorf("the topics were announced %v times, want b %d times and the others %d", tried, b, a)
			}
		}
		for i, b := range []int{1, 2, 3, 3} {
			round()
			check(1, b)
			if i < 3 {
				time.Sleep(5 * time.Minute)
			}
		}
		time.Sleep(announceInterval - 15*time.Minute)
		round()
		check(2, 3)
		time.Sleep(10 * time.Minute)
		round()
		check(2, 4)
	})
}
