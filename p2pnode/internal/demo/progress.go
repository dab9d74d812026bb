package demo

import (
	"sync/atomic"
	"time"
)

// How often progress is told of. Counting what peers hold goes through their
// keys, and takes no more than a share of the time.
const (
	progressEvery = 250 * time.Millisecond
	countingShare = 10
)

// progress tells how far a stage has come, until it is ended.
type progress struct {
	done  atomic.Int64
	stop  chan struct{}
	ended chan struct{}
}

// watch begins a stage of total steps. Held, if it is not nil, counts what the
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
				// Who cannot tell now fails the stage that comes next.
				e.Held, _ = held()
				wait = max(progressEvery, countingShare*time.Since(began))
			}
			r.emit(e)
		}
	}()
	return p
}

// step says that one more step is done.
func (p *progress) step() { p.done.Add(1) }

// end stops telling, and returns when no more events come.
func (p *progress) end() {
	close(p.stop)
	<-p.ended
}
