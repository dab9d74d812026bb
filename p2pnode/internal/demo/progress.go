package demo

import (
	"sync/atomic"
	"time"
)

// These say how often progress is reported. Counting the held records walks the peers' keys,
// and may take only a share of the time.
const (
	progressEvery = 250 * time.Millisecond
	countingShare = 10
)

// progress reports how far a stage has come, until end is called.
type progress struct {
	done  atomic.Int64
	stop  chan struct{}
	ended chan struct{}
}

// watch begins a stage of total steps. Held, if it is not nil, counts the records that the
// peers hold.
func (r *run) watch(stage Stage, total int, held func() ([]int, error)) *progress {
	p := &progress{stop: make(chan struct{}), ended: make(chan struct{})}
	r.emit(Progress{Stage: stage, Total: total})
	go func() {
		defer close(p.ended)
		wait := progressEvery
		for last := 0; ; {
			select {
			case <-p.stop:
				return
			case <-time.After(wait):
			}
			e := Progress{Stage: stage, Done: int(p.done.Load()), Total: total}
			if e.Done == last {
				continue
			}
			last = e.Done
			if held != nil {
				began := time.Now()
				// If this peer cannot be read now, the next stage fails.
				e.Held, _ = held()
				wait = max(progressEvery, countingShare*time.Since(began))
			}
			r.emit(e)
		}
	}()
	return p
}

// step counts one more step as done.
func (p *progress) step() { p.done.Add(1) }

// end stops the reports, and returns when no more events come.
func (p *progress) end() {
	close(p.stop)
	<-p.ended
}
