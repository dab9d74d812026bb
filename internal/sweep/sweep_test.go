package sweep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/sweep"
)

const pause, retry = time.Second, time.Minute

// runs makes a Sweeper that notes the times of its work. The work returns what work returns.
func runs(t *testing.T, work func(n int) (time.Time, error)) (*sweep.Sweeper, func() []time.Duration) {
	start := time.Now()
	var at []time.Duration
	s := sweep.New(pause, retry, func(context.Context) (time.Time, error) {
		at = append(at, time.Since(start))
		return work(len(at))
	})
	t.Cleanup(s.Stop)
	return s, func() []time.Duration { synctest.Wait(); return at }
}

func expect(t *testing.T, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("it ran after %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("it ran after %v, want %v", got, want)
		}
	}
}

func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s, at := runs(t, func(n int) (time.Time, error) {
			if n == 1 {
				return now.Add(time.Hour), nil
			}
			return time.Time{}, nil
		})
		s.Arm(time.Time{})
		s.Arm(now.Add(20 * time.Second))
		s.Arm(now.Add(10 * time.Second)) // the earlier time stays
		s.Arm(now.Add(30 * time.Second))
		time.Sleep(24 * time.Hour)
		expect(t, at(), 10*time.Second, time.Hour)
	})
}

// A sweep that is already due waits for only one pause, however often Arm is called.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, at := runs(t, func(int) (time.Time, error) { return time.Time{}, nil })
		const step = pause * 3 / 10 // so that no call comes at the time of a run
		for i := range 7 {
			s.Arm(time.Now().Add(-time.Duration(i) * time.Hour))
			time.Sleep(step)
		}
		time.Sleep(time.Hour)
		expect(t, at(), pause, 4*step+pause)
	})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, at := runs(t, func(n int) (time.Time, error) {
			switch n {
			case 1, 2:
				return time.Time{}, errors.New("a failure")
			case 3:
				panic("another")
			case 5:
				return time.Time{}, errors.New("a failure after a success")
			case 7:
				return time.Time{}, engine.ErrClosed
			}
			return time.Now().Add(time.Second), nil
		})
		s.Arm(time.Now())
		time.Sleep(24 * time.Hour)
		four := time.Second + 7*time.Minute
		expect(t, at(),
			time.Second, time.Second+time.Minute, time.Second+3*time.Minute, four,
			four+time.Second, four+time.Second+time.Minute, four+2*time.Second+time.Minute)
	})
}

// After failures a pause is never longer than an hour.
func TestRetryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, at := runs(t, func(int) (time.Time, error) { return time.Time{}, errors.New("a failure") })
		s.Arm(time.Now())
		time.Sleep(100 * time.Hour)
		got := at()
		if last := got[len(got)-1] - got[len(got)-2]; len(got) < 100 || last != time.Hour {
			t.Errorf("it ran %d times, the last after %v", len(got), last)
		}
	})
}

// The work runs once at a time. If Arm is called during a run, the next run follows.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *sweep.Sweeper
		running := false
		s, at := runs(t, func(n int) (time.Time, error) {
			if running {
				t.Error("it runs already")
			}
			running = true
			defer func() { running = false }()
			if n == 1 {
				s.Arm(time.Now())
			}
			time.Sleep(time.Minute)
			return time.Time{}, nil
		})
		s.Arm(time.Now())
		time.Sleep(time.Hour)
		expect(t, at(), pause, pause+time.Minute+pause)
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := sweep.New(pause, retry, func(ctx context.Context) (time.Time, error) {
			<-ctx.Done()
			ended = true
			return time.Now(), ctx.Err()
		})
		s.Arm(time.Now())
		time.Sleep(time.Minute)
		s.Stop()
		if !ended {
			t.Error("Stop has not waited")
		}
		s.Arm(time.Now())
		s.Stop()
		time.Sleep(24 * time.Hour)

		s = sweep.New(pause, retry, func(context.Context) (time.Time, error) {
			t.Error("it has run")
			return time.Time{}, nil
		})
		s.Arm(time.Now())
		s.Stop()
		time.Sleep(24 * time.Hour)
	})
}
