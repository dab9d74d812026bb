package demo

import (
	"context"
	"math/rand/v2"
	"time"
)

// After a demonstration with a page its peers go on, so that there is something to see: every
// lookEvery one of them looks up a record, and every stopEvery another one is stopped, which is back
// after stopFor. The first peer stays, for those who look into it.
const (
	lookEvery = time.Second
	stopEvery = 20 * time.Second
	stopFor   = 8 * time.Second
)

// linger keeps the network going until ctx ends. A failure is left to the page: it shows what the
// peers do.
func (r *run) linger(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var absent *member
	for turn := time.Duration(0); ; turn += lookEvery {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch running := r.net.running(); {
		case turn%stopEvery == stopEvery-lookEvery && absent == nil && len(running) > MinPeers:
			absent = running[1+rand.IntN(len(running)-1)]
			if absent.stop() != nil {
				return
			}
		case turn%stopEvery == stopFor && absent != nil:
			if r.bringBack(ctx, absent) != nil {
				return
			}
			absent = nil
		case len(r.records) > 0:
			index := rand.IntN(len(r.records))
			_, _ = r.resolveOne(ctx, index, running, rand.New(rand.NewPCG(rand.Uint64(), 0)))
		}
	}
}

// bringBack starts a stopped member again.
func (r *run) bringBack(ctx context.Context, m *member) error {
	contacts := r.net.contacts(r.net.members)
	if err := m.open(ctx); err != nil {
		return err
	}
	if err := m.start(ctx); err != nil {
		return err
	}
	return r.net.join(ctx, m, contacts)
}
