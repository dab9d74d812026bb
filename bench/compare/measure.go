package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// result is one line of the results.
type result struct {
	Case      string `json:"case"`
	Engine    string `json:"engine"`
	Contender string `json:"contender"`
	Rows      int    `json:"rows"`
	// NsPerRow is the median over the rounds.
	NsPerRow float64 `json:"ns_per_row"`
	// RatioToRaw is the median over the rounds of this contender's time divided by the
	// yardstick's time in the same round.
	RatioToRaw float64 `json:"ratio_to_raw"`
	// times has the time for a row in each round, ns.
	times []float64
}

// task is one case on one number of rows.
type task struct {
	stores *stores
	name   string
	rows   int
	// most is how often a round may repeat its work.
	most int
	// next prepares the work of a round, repeated times over, and returns its number of rows.
	// The meter does not time it.
	next func(times int) (work, int)
}

// work is the work that every contender does in a round.
type work func(contender.Store) (contender.Tally, error)

// minRounds is the fewest rounds for a median.
const minRounds = 7

// slowest is how many times the yardstick's time a rival always gets.
const slowest = 20

// errSlow is returned by work that has passed the time limit.
var errSlow = errors.New("too slow")

// meter measures tasks.
type meter struct {
	rounds int
	// atLeast is how long a round of the yardstick takes. Its work is repeated to reach that.
	atLeast time.Duration
	// limit is how long a round of a rival may take, if that is more than slowest times the
	// yardstick's time. A rival that takes longer is dropped.
	limit time.Duration
	start time.Time // of the current work
	until time.Time // the time limit; zero means none
	emit  func(result) error
	note  func(format string, args ...any)
}

// measure runs tasks that are to be compared with one another. All tasks run in every round.
// Within a task all contenders run, beginning with another one each round. So a disturbance of
// the machine affects all of them alike.
func (m *meter) measure(ctx context.Context, tasks ...task) error {
	runs := make([]*race, len(tasks))
	for i, t := range tasks {
		var err error
		if runs[i], err = m.warmUp(t); err != nil {
			return err
		}
	}
	for number := range m.rounds {
		for _, r := range runs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := m.round(r, number); err != nil {
				return err
			}
		}
	}
	for _, r := range runs {
		if err := m.report(r); err != nil {
			return err
		}
	}
	return nil
}

// race is a task while it is measured.
type race struct {
	task
	times int
	limit time.Duration // for the work done once
	// in says who takes part, took has everyone's times for a row.
	in   []bool
	took [][]float64
}

func (m *meter) round(r *race, number int) error {
	s := r.stores
	do, rows := r.next(r.times)
	for k := range s.open {
		i := (number + k) % len(s.open)
		if !r.in[i] {
			continue
		}
		d, _, err := m.time(do, s.entrants[i], s.open[i], time.Duration(r.times)*r.limit)
		if r.in[i], err = m.keep(i, r.task, err); err != nil {
			return err
		}
		r.took[i] = append(r.took[i], float64(d)/float64(rows))
	}
	return nil
}

func (m *meter) report(r *race) error {
	s := r.stores
	for i, e := range s.entrants {
		if !r.in[i] {
			continue
		}
		yardstick := r.took[slices.IndexFunc(s.entrants, func(o entrant) bool { return o.name == e.raw })]
		err := m.emit(result{
			Case: r.name, Engine: s.engine, Contender: e.name, Rows: r.rows,
			NsPerRow: median(r.took[i]), RatioToRaw: medianRatio(r.took[i], yardstick), times: r.took[i],
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// warmUp does a task's work once. It finds out who takes part and how often to repeat the work,
// and compares the answers.
func (m *meter) warmUp(t task) (*race, error) {
	s := t.stores
	r := &race{task: t, in: make([]bool, len(s.open)), took: make([][]float64, len(s.open))}
	do, _ := t.next(1)
	var want contender.Tally
	for i, e := range s.entrants {
		if s.gone[i] || e.cases != nil && !slices.Contains(e.cases, t.name) {
			continue
		}
		took, got, err := m.time(do, e, s.open[i], r.limit)
		if r.in[i], err = m.keep(i, t, err); err != nil {
			return nil, err
		}
		switch {
		case i == 0:
			r.times = int(min(max(m.atLeast/max(took, 1), 1), time.Duration(t.most)))
			r.limit = max(m.limit, slowest*took)
			want = got
		case r.in[i] && got != want:
			return nil, fmt.Errorf("%s, %s, %d rows: %s read %+v, %s read %+v",
				s.engine, t.name, t.rows, e.name, got, s.entrants[0].name, want)
		}
	}
	return r, nil
}

// keep decides whether entrant i stays after its work has returned err.
func (m *meter) keep(i int, t task, err error) (bool, error) {
	s := t.stores
	what := fmt.Sprintf("%s, %s, %d rows: %s", s.engine, t.name, t.rows, s.entrants[i].name)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, contender.ErrUnsupported):
		return false, nil
	case s.entrants[i].rival && (errors.Is(err, errSlow) || errors.Is(err, contender.ErrTooLarge)):
		s.gone[i] = true
		m.note("%s is left out from here on: %v", what, err)
		return false, nil
	default:
		return false, fmt.Errorf("%s: %w", what, err)
	}
}

// time times an entrant's work. It stops a rival after limit.
func (m *meter) time(
	do work, e entrant, store contender.Store, limit time.Duration,
) (time.Duration, contender.Tally, error) {
	runtime.GC()
	m.start, m.until = time.Now(), time.Time{}
	if e.rival {
		m.until = m.start.Add(limit)
	}
	got, err := do(store)
	return time.Since(m.start), got, err
}

// pace is called by work after some of its parts. It returns errSlow to stop the rest.
func (m *meter) pace(done, of int) error {
	if now := time.Now(); !m.until.IsZero() && now.After(m.until) && done < of {
		return fmt.Errorf("%w: %d of %d parts in %v", errSlow, done, of, now.Sub(m.start).Round(time.Millisecond))
	}
	return nil
}

// medianRatio returns the median over the rounds of a's times divided by b's.
func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for round := range ratios {
		ratios[round] = a[round] / b[round]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
